//go:build tools

// Package tools pins h2spec, the judge of HTTP/2 servers; test/support/h2spec.ts builds it.
package tools

import _ "github.com/summerwind/h2spec/cmd/h2spec"
