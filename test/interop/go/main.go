// A filter on the Go SDK that touches what filters use most. The behaviour is that of ../rust/src/lib.rs; the test of
// both is ../interop.test.ts.
package main

import (
	"bytes"
	"strconv"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

const name = "go"

func main() {}

func init() {
	proxywasm.SetVMContext(&vm{})
}

// must turns a status that should not be into a trap, as the Rust SDK does.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

type vm struct {
	types.DefaultVMContext
}

func (*vm) OnVMStart(int) types.OnVMStartStatus {
	config, err := proxywasm.GetVMConfiguration()
	if err != nil && err != types.ErrorStatusNotFound {
		panic(err)
	}
	proxywasm.LogInfo("vm " + string(config))
	return types.OnVMStartStatusOK
}

func (*vm) NewPluginContext(uint32) types.PluginContext {
	return &root{}
}

type root struct {
	types.DefaultPluginContext
	config   string
	requests proxywasm.MetricCounter
	level    proxywasm.MetricGauge
	sizes    proxywasm.MetricHistogram
	queue    uint32
	ticks    int
}

func (r *root) OnPluginStart(int) types.OnPluginStartStatus {
	config, err := proxywasm.GetPluginConfiguration()
	if err != nil {
		return types.OnPluginStartStatusFailed
	}
	r.config = string(config)
	r.requests = proxywasm.DefineCounterMetric("interop_go_requests")
	r.level = proxywasm.DefineGaugeMetric("interop_go_level")
	r.sizes = proxywasm.DefineHistogramMetric("interop_go_sizes")
	r.queue, err = proxywasm.RegisterSharedQueue("interop-go")
	must(err)
	must(proxywasm.SetTickPeriodMilliSeconds(10))
	return types.OnPluginStartStatusOK
}

func (r *root) OnTick() {
	r.ticks++
	if r.ticks == 3 {
		must(proxywasm.SetTickPeriodMilliSeconds(0))
		proxywasm.LogInfo("third tick")
	}
}

func (r *root) OnQueueReady(queue uint32) {
	for {
		item, err := proxywasm.DequeueSharedQueue(queue)
		if err == types.ErrorStatusEmpty {
			return
		}
		must(err)
		proxywasm.LogInfo("queue " + string(item))
	}
}

// The SDK takes whichever context it is given, so each is made only where it belongs.
func (r *root) NewTcpContext(uint32) types.TcpContext {
	if r.config == "tcp" {
		return &connection{}
	}
	return nil
}

type connection struct {
	types.DefaultTcpContext
}

func (*connection) OnNewConnection() types.Action {
	proxywasm.LogInfo("new connection")
	return types.ActionContinue
}

func (*connection) OnDownstreamData(size int, _ bool) types.Action {
	if size > 0 {
		data, err := proxywasm.GetDownstreamData(0, size)
		must(err)
		must(proxywasm.ReplaceDownstreamData(bytes.ToUpper(data)))
	}
	return types.ActionContinue
}

func (*connection) OnUpstreamData(size int, _ bool) types.Action {
	if size > 0 {
		must(proxywasm.AppendUpstreamData([]byte("-" + name)))
	}
	return types.ActionContinue
}

func (*connection) OnDownstreamClose(peer types.PeerType) {
	proxywasm.LogInfo("downstream closed by " + strconv.Itoa(int(peer)))
}

func (*connection) OnUpstreamClose(types.PeerType) {
	proxywasm.LogInfo("upstream closed")
}

func (*connection) OnStreamDone() {
	proxywasm.LogInfo("log of " + property("source", "address"))
	proxywasm.LogInfo("done")
}

func (r *root) NewHttpContext(uint32) types.HttpContext {
	if r.config == "tcp" {
		return nil
	}
	return &stream{root: r}
}

type stream struct {
	types.DefaultHttpContext
	root *root
	path string
	body int
}

// count counts in shared data, again when another VM was faster.
func count(key string) string {
	for {
		value, cas, err := proxywasm.GetSharedData(key)
		if err != nil && err != types.ErrorStatusNotFound {
			panic(err)
		}
		before, _ := strconv.Atoi(string(value))
		next := strconv.Itoa(before + 1)
		err = proxywasm.SetSharedData(key, []byte(next), cas)
		if err == nil {
			return next
		}
		if err != types.ErrorStatusCasMismatch {
			panic(err)
		}
	}
}

func property(path ...string) string {
	value, err := proxywasm.GetProperty(path)
	if err == types.ErrorStatusNotFound {
		return "none"
	}
	must(err)
	return string(value)
}

func (s *stream) OnHttpRequestHeaders(headers int, _ bool) types.Action {
	var err error
	s.path, err = proxywasm.GetHttpRequestHeader(":path")
	must(err)
	all, err := proxywasm.GetHttpRequestHeaders()
	must(err)
	proxywasm.LogInfo("request " + s.path + " with " + strconv.Itoa(len(all)) + " of " + strconv.Itoa(headers) + " headers")
	s.root.requests.Increment(1)
	s.root.level.Add(7)
	must(proxywasm.AddHttpRequestHeader("x-added", name))
	must(proxywasm.ReplaceHttpRequestHeader("x-replaced", name))
	must(proxywasm.RemoveHttpRequestHeader("x-secret"))
	if _, err := proxywasm.GetHttpRequestHeader("x-none"); err == types.ErrorStatusNotFound {
		must(proxywasm.ReplaceHttpRequestHeader("x-missing", "yes"))
	}
	must(proxywasm.ReplaceHttpRequestHeader("x-shared", count("interop-go")))
	must(proxywasm.ReplaceHttpRequestHeader("x-property", property("request", "path")))
	must(proxywasm.ReplaceHttpRequestHeader("x-root", property("plugin_root_id")))
	must(proxywasm.ReplaceHttpRequestHeader("x-unknown", property("no", "such", "property")))
	must(proxywasm.SetProperty([]string{"interop"}, []byte("kept")))
	must(proxywasm.EnqueueSharedQueue(s.root.queue, []byte(s.path)))
	switch s.path {
	case "/local":
		body := []byte("no entry, says " + name)
		must(proxywasm.SendHttpResponse(403, [][2]string{{"x-why", name}}, body, -1))
		return types.ActionPause
	case "/call":
		headers := [][2]string{{":method", "POST"}, {":path", "/callout"}, {":authority", "callout"}, {"x-by", name}}
		if _, err := proxywasm.DispatchHttpCall(s.root.config, headers, []byte("ping"), nil, 5000, s.onCall); err != nil {
			proxywasm.LogWarn("call failed: " + err.Error())
			return types.ActionContinue
		}
		_, err := proxywasm.DispatchHttpCall("no-such-cluster", nil, nil, nil, 1000, s.onCall)
		if err == types.ErrorStatusBadArgument {
			proxywasm.LogInfo("unknown cluster BadArgument")
		}
		return types.ActionPause
	case "/foreign":
		packed, err := proxywasm.CallForeignFunction("compress", []byte("some words"))
		must(err)
		text, err := proxywasm.CallForeignFunction("uncompress", packed)
		must(err)
		must(proxywasm.ReplaceHttpRequestHeader("x-foreign", string(text)))
		if _, err = proxywasm.CallForeignFunction("no-such-function", nil); err == types.ErrorStatusNotFound {
			proxywasm.LogInfo("unknown function NotFound")
		}
	}
	return types.ActionContinue
}

func (s *stream) onCall(headers, size, _ int) {
	all, err := proxywasm.GetHttpCallResponseHeaders()
	must(err)
	body, err := proxywasm.GetHttpCallResponseBody(0, size)
	must(err)
	proxywasm.LogInfo("call " + strconv.Itoa(headers) + " " + strconv.Itoa(len(all)))
	for _, header := range all {
		if header[0] == ":status" {
			must(proxywasm.ReplaceHttpRequestHeader("x-call-status", header[1]))
		}
	}
	must(proxywasm.ReplaceHttpRequestHeader("x-call-body", string(body)))
	must(proxywasm.ResumeHttpRequest())
}

func (s *stream) OnHttpRequestBody(size int, end bool) types.Action {
	if s.path != "/body" {
		return types.ActionContinue
	}
	if !end {
		return types.ActionPause
	}
	body, err := proxywasm.GetHttpRequestBody(0, size)
	must(err)
	must(proxywasm.ReplaceHttpRequestBody(bytes.ToUpper(body)))
	return types.ActionContinue
}

func (s *stream) OnHttpResponseHeaders(int, bool) types.Action {
	must(proxywasm.AddHttpResponseHeader("x-config", s.root.config))
	must(proxywasm.ReplaceHttpResponseHeader("x-kept", property("interop")))
	must(proxywasm.RemoveHttpResponseHeader("content-length"))
	return types.ActionContinue
}

func (s *stream) OnHttpResponseBody(size int, end bool) types.Action {
	s.body += size
	if end {
		must(proxywasm.AppendHttpResponseBody([]byte("-" + name)))
	}
	return types.ActionContinue
}

func (s *stream) OnHttpStreamDone() {
	s.root.sizes.Record(uint64(s.body))
	status, err := proxywasm.GetHttpResponseHeader(":status")
	must(err)
	proxywasm.LogInfo("log " + s.path + " " + status + " " + strconv.FormatUint(s.root.requests.Value(), 10))
}
