//! A filter on the Rust SDK that touches what filters use most. The behaviour is that of ../go/main.go; the test of both
//! is ../interop.test.ts. The SDK panics on any status outside its list, so a wrong status ends the VM.

use log::{info, warn};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MetricType, PeerType};
use std::time::Duration;

const NAME: &str = "rust";

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default)]
struct Root {
    config: String,
    requests: u32,
    level: u32,
    sizes: u32,
    queue: u32,
    ticks: u32,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_vm_start(&mut self, _: usize) -> bool {
        let vm = self.get_vm_configuration().unwrap_or_default();
        info!("vm {}", String::from_utf8_lossy(&vm));
        true
    }

    fn on_configure(&mut self, _: usize) -> bool {
        let Some(config) = self.get_plugin_configuration() else {
            return false;
        };
        self.config = String::from_utf8_lossy(&config).into_owned();
        self.requests = hostcalls::define_metric(MetricType::Counter, "interop_rust_requests").unwrap();
        self.level = hostcalls::define_metric(MetricType::Gauge, "interop_rust_level").unwrap();
        self.sizes = hostcalls::define_metric(MetricType::Histogram, "interop_rust_sizes").unwrap();
        self.queue = hostcalls::register_shared_queue("interop-rust").unwrap();
        self.set_tick_period(Duration::from_millis(10));
        true
    }

    fn on_tick(&mut self) {
        self.ticks += 1;
        if self.ticks == 3 {
            self.set_tick_period(Duration::ZERO);
            info!("third tick");
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        while let Ok(Some(item)) = hostcalls::dequeue_shared_queue(queue) {
            info!("queue {}", String::from_utf8_lossy(&item));
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(if self.config == "tcp" { ContextType::StreamContext } else { ContextType::HttpContext })
    }

    fn create_stream_context(&self, _: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Connection {}))
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            config: self.config.clone(),
            requests: self.requests,
            level: self.level,
            sizes: self.sizes,
            queue: self.queue,
            path: String::new(),
            body: 0,
        }))
    }
}

struct Stream {
    config: String,
    requests: u32,
    level: u32,
    sizes: u32,
    queue: u32,
    path: String,
    body: usize,
}

struct Connection {}

impl Context for Connection {
    fn on_done(&mut self) -> bool {
        info!("done");
        true
    }
}

impl StreamContext for Connection {
    fn on_new_connection(&mut self) -> Action {
        info!("new connection");
        Action::Continue
    }

    fn on_downstream_data(&mut self, size: usize, _: bool) -> Action {
        let data = self.get_downstream_data(0, size).unwrap_or_default();
        self.set_downstream_data(0, size, data.to_ascii_uppercase().as_slice());
        Action::Continue
    }

    fn on_upstream_data(&mut self, size: usize, _: bool) -> Action {
        if size > 0 {
            self.set_upstream_data(size, 0, format!("-{NAME}").as_bytes());
        }
        Action::Continue
    }

    fn on_downstream_close(&mut self, peer: PeerType) {
        info!("downstream closed by {}", peer as u32);
    }

    fn on_upstream_close(&mut self, _: PeerType) {
        info!("upstream closed");
    }

    fn on_log(&mut self) {
        let address = self.get_property(vec!["source", "address"]).unwrap_or_default();
        info!("log of {}", String::from_utf8_lossy(&address));
    }
}

/// Counts in shared data, again when another VM was faster.
fn count(key: &str) -> u32 {
    loop {
        let (value, cas) = hostcalls::get_shared_data(key).unwrap();
        let next = value.map_or(0, |v| String::from_utf8_lossy(&v).parse::<u32>().unwrap_or(0)) + 1;
        if hostcalls::set_shared_data(key, Some(next.to_string().as_bytes()), cas).is_ok() {
            return next;
        }
    }
}

impl Stream {
    fn property(&self, path: &[&str]) -> String {
        let value = self.get_property(path.to_vec());
        value.map_or("none".into(), |v| String::from_utf8_lossy(&v).into_owned())
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _: u32, headers: usize, size: usize, _: usize) {
        let status = self.get_http_call_response_header(":status").unwrap_or("none".into());
        let body = self.get_http_call_response_body(0, size).unwrap_or_default();
        info!("call {headers} {}", self.get_http_call_response_headers().len());
        self.set_http_request_header("x-call-status", Some(&status));
        self.set_http_request_header("x-call-body", Some(&String::from_utf8_lossy(&body)));
        self.resume_http_request();
    }

    fn on_grpc_call_response(&mut self, _: u32, status: u32, size: usize) {
        let message = self.get_grpc_call_response_body(0, size).unwrap_or_default();
        self.set_http_request_header("x-grpc-status", Some(&status.to_string()));
        self.set_http_request_header("x-grpc-message", Some(&String::from_utf8_lossy(&message)));
        self.resume_http_request();
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, count_: usize, _: bool) -> Action {
        self.path = self.get_http_request_header(":path").unwrap_or_default();
        info!("request {} with {} of {count_} headers", self.path, self.get_http_request_headers().len());
        hostcalls::increment_metric(self.requests, 1).unwrap();
        hostcalls::record_metric(self.level, 7).unwrap();
        self.add_http_request_header("x-added", NAME);
        self.set_http_request_header("x-replaced", Some(NAME));
        self.set_http_request_header("x-secret", None);
        self.set_http_request_header("x-missing", self.get_http_request_header("x-none").as_deref().or(Some("yes")));
        self.set_http_request_header("x-shared", Some(&count("interop-rust").to_string()));
        self.set_http_request_header("x-property", Some(&self.property(&["request", "path"])));
        self.set_http_request_header("x-root", Some(&self.property(&["plugin_root_id"])));
        self.set_http_request_header("x-unknown", Some(&self.property(&["no", "such", "property"])));
        self.set_property(vec!["interop"], Some(b"kept"));
        hostcalls::enqueue_shared_queue(self.queue, Some(self.path.as_bytes())).unwrap();
        match self.path.as_str() {
            "/local" => {
                let body = format!("no entry, says {NAME}");
                self.send_http_response(403, vec![("x-why", NAME)], Some(body.as_bytes()));
                Action::Pause
            }
            "/call" => {
                let headers = vec![(":method", "POST"), (":path", "/callout"), (":authority", "callout"), ("x-by", NAME)];
                let call = self.dispatch_http_call(&self.config, headers, Some(b"ping"), vec![], Duration::from_secs(5));
                if let Err(status) = call {
                    warn!("call failed: {status:?}");
                    return Action::Continue;
                }
                let unknown = self.dispatch_http_call("no-such-cluster", vec![], None, vec![], Duration::from_secs(1));
                info!("unknown cluster {:?}", unknown.unwrap_err());
                Action::Pause
            }
            "/grpc" => {
                let metadata = vec![("x-by", NAME.as_bytes())];
                let call = self.dispatch_grpc_call("grpc", "test.Echo", "Say", metadata, Some(b"hi"), Duration::from_secs(5));
                if let Err(status) = call {
                    warn!("gRPC call failed: {status:?}");
                    return Action::Continue;
                }
                Action::Pause
            }
            "/foreign" => {
                let packed = self.call_foreign_function("compress", Some(b"some words")).unwrap();
                let again = self.call_foreign_function("uncompress", packed.as_deref()).unwrap();
                let text = again.unwrap_or_default();
                self.set_http_request_header("x-foreign", Some(&String::from_utf8_lossy(&text)));
                let unknown = self.call_foreign_function("no-such-function", None);
                info!("unknown function {:?}", unknown.unwrap_err());
                Action::Continue
            }
            _ => Action::Continue,
        }
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if self.path != "/body" {
            return Action::Continue;
        }
        if !end {
            return Action::Pause;
        }
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        self.set_http_request_body(0, size, body.to_ascii_uppercase().as_slice());
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.add_http_response_header("x-config", &self.config);
        self.set_http_response_header("x-kept", Some(&self.property(&["interop"])));
        self.set_http_response_header("content-length", None);
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.body += size;
        if end {
            self.set_http_response_body(size, 0, format!("-{NAME}").as_bytes());
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        hostcalls::record_metric(self.sizes, self.body as u64).unwrap();
        let status = self.get_http_response_header(":status").unwrap_or_default();
        info!("log {} {status} {}", self.path, hostcalls::get_metric(self.requests).unwrap());
    }
}
