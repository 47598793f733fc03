//! `wasi:http` and `wasi:io` for Rust without a generator: the canonical ABI's own signatures, and the few
//! safe types that a client or a handler needs. A handle is dropped with its value.
//!
//! What a function returns by pointer lies in an `Area`, at the offsets that the canonical ABI gives it.

#![allow(dead_code)]

use std::io;

// ── memory ────────────────────────────────────────────────────────────────────────────────────────

/// Room for the largest of the results: 48 bytes, aligned to 8.
#[repr(C, align(8))]
struct Area([u8; 64]);

impl Area {
    fn new() -> Area {
        Area([0; 64])
    }

    fn pointer(&mut self) -> *mut u8 {
        self.0.as_mut_ptr()
    }

    fn byte(&self, at: usize) -> u8 {
        self.0[at]
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }

    /// A list of bytes, which the host had allocated by `cabi_realloc`.
    fn bytes(&self, at: usize) -> Vec<u8> {
        let length = self.word(at + 4) as usize;
        if length == 0 {
            return Vec::new();
        }
        unsafe { Vec::from_raw_parts(self.word(at) as *mut u8, length, length) }
    }

    fn text(&self, at: usize) -> String {
        String::from_utf8(self.bytes(at)).expect("texts of the host are UTF-8")
    }

    fn optional_text(&self) -> Option<String> {
        if self.byte(0) == 0 {
            None
        } else {
            Some(self.text(4))
        }
    }

    /// A result of a handle or nothing; there is none a second time.
    fn handle(&self, what: &str) -> u32 {
        assert!(self.byte(0) == 0, "{} was taken before", what);
        self.word(4)
    }
}

/// An owned handle, dropped with its value.
macro_rules! resource {
    ($(#[$doc:meta])* $name:ident, $module:literal, $drop:literal) => {
        $(#[$doc])*
        pub struct $name(u32);

        impl $name {
            /// The handle, which somebody else has from now on.
            pub fn into_raw(self) -> u32 {
                let handle = self.0;
                std::mem::forget(self);
                handle
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                #[link(wasm_import_module = $module)]
                extern "C" {
                    #[link_name = $drop]
                    fn drop_handle(handle: u32);
                }
                unsafe { drop_handle(self.0) }
            }
        }
    };
}

// ── wasi:io ───────────────────────────────────────────────────────────────────────────────────────

#[link(wasm_import_module = "wasi:io/streams@0.2.12")]
extern "C" {
    #[link_name = "[method]input-stream.blocking-read"]
    fn input_read(stream: u32, length: u64, result: *mut u8);
    #[link_name = "[method]output-stream.blocking-write-and-flush"]
    fn output_write(stream: u32, bytes: *const u8, length: usize, result: *mut u8);
}

#[link(wasm_import_module = "wasi:io/poll@0.2.12")]
extern "C" {
    #[link_name = "[method]pollable.block"]
    fn pollable_block(pollable: u32);
}

resource!(Pollable, "wasi:io/poll@0.2.12", "[resource-drop]pollable");
resource!(StreamFailure, "wasi:io/error@0.2.12", "[resource-drop]error");
resource!(
    /// Bytes that come; each read waits for some.
    InputStream, "wasi:io/streams@0.2.12", "[resource-drop]input-stream"
);
resource!(
    /// Bytes that go; each write waits until they are taken.
    OutputStream, "wasi:io/streams@0.2.12", "[resource-drop]output-stream"
);

/// What a stream said instead of bytes: `None`, it has ended.
fn stream_error(area: &Area) -> Option<io::Error> {
    if area.byte(4) == 1 {
        return None;
    }
    drop(StreamFailure(area.word(8)));
    Some(io::Error::new(io::ErrorKind::BrokenPipe, "the stream has failed"))
}

impl io::Read for InputStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut area = Area::new();
        unsafe { input_read(self.0, buffer.len() as u64, area.pointer()) };
        if area.byte(0) != 0 {
            return stream_error(&area).map_or(Ok(0), Err);
        }
        let bytes = area.bytes(4);
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

/// The most bytes that one `blocking-write-and-flush` takes.
const WRITE_BYTES_MAX: usize = 4096;

impl io::Write for OutputStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(WRITE_BYTES_MAX)];
        let mut area = Area::new();
        unsafe { output_write(self.0, piece.as_ptr(), piece.len(), area.pointer()) };
        if area.byte(0) != 0 {
            return stream_error(&area).map_or(Err(io::ErrorKind::WriteZero.into()), Err);
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// ── wasi:http ─────────────────────────────────────────────────────────────────────────────────────

#[link(wasm_import_module = "wasi:http/types@0.2.12")]
extern "C" {
    #[link_name = "[constructor]fields"]
    fn fields_new() -> u32;
    #[link_name = "[method]fields.append"]
    fn fields_append(
        fields: u32,
        name: *const u8,
        name_length: usize,
        value: *const u8,
        value_length: usize,
        result: *mut u8,
    );
    #[link_name = "[method]fields.get"]
    fn fields_get(fields: u32, name: *const u8, name_length: usize, result: *mut u8);
    #[link_name = "[method]incoming-request.method"]
    fn request_method(request: u32, result: *mut u8);
    #[link_name = "[method]incoming-request.path-with-query"]
    fn request_path(request: u32, result: *mut u8);
    #[link_name = "[method]incoming-request.headers"]
    fn request_headers(request: u32) -> u32;
    #[link_name = "[method]incoming-request.consume"]
    fn request_consume(request: u32, result: *mut u8);
    #[link_name = "[method]incoming-body.stream"]
    fn incoming_body_stream(body: u32, result: *mut u8);
    #[link_name = "[constructor]outgoing-response"]
    fn response_new(headers: u32) -> u32;
    #[link_name = "[method]outgoing-response.set-status-code"]
    fn response_set_status(response: u32, status: u32) -> u32;
    #[link_name = "[method]outgoing-response.body"]
    fn response_body(response: u32, result: *mut u8);
    #[link_name = "[static]response-outparam.set"]
    fn outparam_set(
        outparam: u32,
        is_error: u32,
        response_or_code: u32,
        code_1: u32,
        code_2: u64,
        code_3: u32,
        code_4: u32,
        code_5: u32,
        code_6: u32,
    );
    #[link_name = "[constructor]outgoing-request"]
    fn outgoing_request_new(headers: u32) -> u32;
    #[link_name = "[method]outgoing-request.set-method"]
    fn outgoing_request_set_method(request: u32, method: u32, other: *const u8, length: usize) -> u32;
    #[link_name = "[method]outgoing-request.set-path-with-query"]
    fn outgoing_request_set_path(request: u32, is_some: u32, path: *const u8, length: usize) -> u32;
    #[link_name = "[method]outgoing-request.set-scheme"]
    fn outgoing_request_set_scheme(
        request: u32,
        is_some: u32,
        scheme: u32,
        other: *const u8,
        length: usize,
    ) -> u32;
    #[link_name = "[method]outgoing-request.set-authority"]
    fn outgoing_request_set_authority(
        request: u32,
        is_some: u32,
        authority: *const u8,
        length: usize,
    ) -> u32;
    #[link_name = "[method]outgoing-request.body"]
    fn outgoing_request_body(request: u32, result: *mut u8);
    #[link_name = "[method]outgoing-body.write"]
    fn outgoing_body_write(body: u32, result: *mut u8);
    #[link_name = "[static]outgoing-body.finish"]
    fn outgoing_body_finish(body: u32, has_trailers: u32, trailers: u32, result: *mut u8);
    #[link_name = "[method]future-incoming-response.subscribe"]
    fn future_subscribe(future: u32) -> u32;
    #[link_name = "[method]future-incoming-response.get"]
    fn future_get(future: u32, result: *mut u8);
    #[link_name = "[method]incoming-response.status"]
    fn incoming_response_status(response: u32) -> u32;
    #[link_name = "[method]incoming-response.headers"]
    fn incoming_response_headers(response: u32) -> u32;
    #[link_name = "[method]incoming-response.consume"]
    fn incoming_response_consume(response: u32, result: *mut u8);
}

#[link(wasm_import_module = "wasi:http/outgoing-handler@0.2.12")]
extern "C" {
    #[link_name = "handle"]
    fn outgoing_handle(request: u32, has_options: u32, options: u32, result: *mut u8);
}

resource!(
    /// The fields of a message.
    Fields, "wasi:http/types@0.2.12", "[resource-drop]fields"
);
resource!(RawIncomingBody, "wasi:http/types@0.2.12", "[resource-drop]incoming-body");
resource!(RawOutgoingBody, "wasi:http/types@0.2.12", "[resource-drop]outgoing-body");
resource!(
    /// A request that somebody makes of this program.
    IncomingRequest, "wasi:http/types@0.2.12", "[resource-drop]incoming-request"
);
resource!(RawOutgoingRequest, "wasi:http/types@0.2.12", "[resource-drop]outgoing-request");
resource!(RawOutgoingResponse, "wasi:http/types@0.2.12", "[resource-drop]outgoing-response");
resource!(
    /// Where the answer to a request goes; without one the request fails.
    ResponseOutparam, "wasi:http/types@0.2.12", "[resource-drop]response-outparam"
);
resource!(FutureResponse, "wasi:http/types@0.2.12", "[resource-drop]future-incoming-response");
resource!(
    /// A server's answer.
    IncomingResponse, "wasi:http/types@0.2.12", "[resource-drop]incoming-response"
);

/// The cases of `method` that have a name of their own, in their order; the rest is `other`.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The cases of `error-code`, in their order.
const ERROR_CODES: [&str; 39] = [
    "DNS-timeout",
    "DNS-error",
    "destination-not-found",
    "destination-unavailable",
    "destination-IP-prohibited",
    "destination-IP-unroutable",
    "connection-refused",
    "connection-terminated",
    "connection-timeout",
    "connection-read-timeout",
    "connection-write-timeout",
    "connection-limit-reached",
    "TLS-protocol-error",
    "TLS-certificate-error",
    "TLS-alert-received",
    "HTTP-request-denied",
    "HTTP-request-length-required",
    "HTTP-request-body-size",
    "HTTP-request-method-invalid",
    "HTTP-request-URI-invalid",
    "HTTP-request-URI-too-long",
    "HTTP-request-header-section-size",
    "HTTP-request-header-size",
    "HTTP-request-trailer-section-size",
    "HTTP-request-trailer-size",
    "HTTP-response-incomplete",
    "HTTP-response-header-section-size",
    "HTTP-response-header-size",
    "HTTP-response-body-size",
    "HTTP-response-trailer-section-size",
    "HTTP-response-trailer-size",
    "HTTP-response-transfer-coding",
    "HTTP-response-content-coding",
    "HTTP-response-timeout",
    "HTTP-upgrade-failed",
    "HTTP-protocol-error",
    "loop-detected",
    "configuration-error",
    "internal-error",
];

/// Why a request came to nothing, by the name of the case of `error-code`.
pub type ErrorCode = &'static str;

impl Fields {
    pub fn new() -> Fields {
        Fields(unsafe { fields_new() })
    }

    /// False: no field may be called so, or say so.
    pub fn append(&self, name: &str, value: &[u8]) -> bool {
        let mut area = Area::new();
        unsafe {
            fields_append(self.0, name.as_ptr(), name.len(), value.as_ptr(), value.len(), area.pointer())
        };
        area.byte(0) == 0
    }

    /// The first field of a name.
    pub fn first(&self, name: &str) -> Option<Vec<u8>> {
        let mut area = Area::new();
        unsafe { fields_get(self.0, name.as_ptr(), name.len(), area.pointer()) };
        let list = area.word(0) as *mut [u32; 2];
        let length = area.word(4) as usize;
        if length == 0 {
            return None;
        }
        let values = unsafe { Vec::from_raw_parts(list, length, length) };
        let mut all = values.into_iter().map(|[bytes, length]| match length as usize {
            0 => Vec::new(),
            length => unsafe { Vec::from_raw_parts(bytes as *mut u8, length, length) },
        });
        let first = all.next();
        // Each of them is this program's to free.
        all.for_each(drop);
        first
    }
}

/// A body that comes. Its stream is dropped before the body itself, as WASI demands it.
pub struct IncomingBody {
    stream: InputStream,
    _body: RawIncomingBody,
}

impl IncomingBody {
    fn of(body: u32) -> IncomingBody {
        let mut area = Area::new();
        unsafe { incoming_body_stream(body, area.pointer()) };
        IncomingBody { stream: InputStream(area.handle("the stream")), _body: RawIncomingBody(body) }
    }
}

impl io::Read for IncomingBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

/// A body that goes. It is whole when it is finished; one that is only dropped breaks off.
pub struct OutgoingBody {
    stream: OutputStream,
    body: RawOutgoingBody,
}

impl OutgoingBody {
    fn of(body: u32) -> OutgoingBody {
        let mut area = Area::new();
        unsafe { outgoing_body_write(body, area.pointer()) };
        OutgoingBody { stream: OutputStream(area.handle("the stream")), body: RawOutgoingBody(body) }
    }

    pub fn finish(self) -> Result<(), ErrorCode> {
        drop(self.stream);
        let mut area = Area::new();
        unsafe { outgoing_body_finish(self.body.into_raw(), 0, 0, area.pointer()) };
        if area.byte(0) == 0 {
            Ok(())
        } else {
            Err(error_code(&area, 8))
        }
    }
}

impl io::Write for OutgoingBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl IncomingRequest {
    /// # Safety
    /// The handle is one that `handle` was called with, and nobody else has it.
    pub unsafe fn from_raw(handle: u32) -> IncomingRequest {
        IncomingRequest(handle)
    }

    pub fn method(&self) -> String {
        let mut area = Area::new();
        unsafe { request_method(self.0, area.pointer()) };
        match METHODS.get(area.byte(0) as usize) {
            Some(name) => name.to_string(),
            None => area.text(4),
        }
    }

    pub fn path_with_query(&self) -> Option<String> {
        let mut area = Area::new();
        unsafe { request_path(self.0, area.pointer()) };
        area.optional_text()
    }

    pub fn headers(&self) -> Fields {
        Fields(unsafe { request_headers(self.0) })
    }

    /// Once only.
    pub fn body(&self) -> IncomingBody {
        let mut area = Area::new();
        unsafe { request_consume(self.0, area.pointer()) };
        IncomingBody::of(area.handle("the body"))
    }
}

impl ResponseOutparam {
    /// # Safety
    /// The handle is one that `handle` was called with, and nobody else has it.
    pub unsafe fn from_raw(handle: u32) -> ResponseOutparam {
        ResponseOutparam(handle)
    }

    /// Answers; the body is written after that.
    pub fn respond(self, status: u16, headers: Fields) -> OutgoingBody {
        unsafe {
            let response = RawOutgoingResponse(response_new(headers.into_raw()));
            assert!(response_set_status(response.0, status as u32) == 0, "{} is no status", status);
            let mut area = Area::new();
            response_body(response.0, area.pointer());
            let body = area.handle("the body");
            outparam_set(self.into_raw(), 0, response.into_raw(), 0, 0, 0, 0, 0, 0);
            OutgoingBody::of(body)
        }
    }
}

/// A request to be sent by HTTP.
pub struct Request<'a> {
    pub method: &'a str,
    /// Host and port.
    pub authority: &'a str,
    pub path_with_query: &'a str,
    pub headers: Fields,
    pub body: &'a [u8],
}

impl Request<'_> {
    /// Sends it, and waits for the answer.
    pub fn send(self) -> Result<IncomingResponse, ErrorCode> {
        let request = RawOutgoingRequest(unsafe { outgoing_request_new(self.headers.into_raw()) });
        let case = METHODS.iter().position(|name| *name == self.method).unwrap_or(METHODS.len());
        let mut area = Area::new();
        let is_bad = unsafe {
            outgoing_request_set_method(request.0, case as u32, self.method.as_ptr(), self.method.len())
                | outgoing_request_set_scheme(request.0, 1, 0, std::ptr::null(), 0)
                | outgoing_request_set_authority(
                    request.0,
                    1,
                    self.authority.as_ptr(),
                    self.authority.len(),
                )
                | outgoing_request_set_path(
                    request.0,
                    1,
                    self.path_with_query.as_ptr(),
                    self.path_with_query.len(),
                )
        };
        if is_bad != 0 {
            return Err("HTTP-request-URI-invalid");
        }
        unsafe { outgoing_request_body(request.0, area.pointer()) };
        let mut body = OutgoingBody::of(area.handle("the body"));
        unsafe { outgoing_handle(request.into_raw(), 0, 0, area.pointer()) };
        if area.byte(0) != 0 {
            return Err(error_code(&area, 8));
        }
        let future = FutureResponse(area.word(8));
        // A server may answer before it has read everything, so a failure here is told by the answer.
        if io::Write::write_all(&mut body, self.body).is_ok() {
            let _ = body.finish();
        }
        future.wait()
    }
}

impl FutureResponse {
    fn wait(self) -> Result<IncomingResponse, ErrorCode> {
        let pollable = Pollable(unsafe { future_subscribe(self.0) });
        unsafe { pollable_block(pollable.0) };
        drop(pollable);
        let mut area = Area::new();
        unsafe { future_get(self.0, area.pointer()) };
        // An option of a result (it is taken once) of a result.
        assert!(area.byte(0) == 1 && area.byte(8) == 0, "the response has come, and nobody had it before");
        if area.byte(16) == 0 {
            Ok(IncomingResponse(area.word(24)))
        } else {
            Err(error_code(&area, 24))
        }
    }
}

impl IncomingResponse {
    pub fn status(&self) -> u16 {
        unsafe { incoming_response_status(self.0) as u16 }
    }

    pub fn headers(&self) -> Fields {
        Fields(unsafe { incoming_response_headers(self.0) })
    }

    /// Once only.
    pub fn body(&self) -> IncomingBody {
        let mut area = Area::new();
        unsafe { incoming_response_consume(self.0, area.pointer()) };
        IncomingBody::of(area.handle("the body"))
    }
}

fn error_code(area: &Area, at: usize) -> ErrorCode {
    ERROR_CODES.get(area.byte(at) as usize).copied().unwrap_or("internal-error")
}
