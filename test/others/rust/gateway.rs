//! A handler of HTTP requests. `POST /count` answers how often each word of the body stands in it, the most
//! frequent first; `/relay/AUTHORITY/PATH` answers what another server says, as it comes.

mod guest;
mod wasi;

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use wasi::{Fields, IncomingRequest, OutgoingBody, Request, ResponseOutparam};

#[export_name = "wasi:http/incoming-handler@0.2.12#handle"]
pub unsafe extern "C" fn handle(request: u32, outparam: u32) {
    let request = IncomingRequest::from_raw(request);
    let outparam = ResponseOutparam::from_raw(outparam);
    let path = request.path_with_query().unwrap_or_default();
    if path == "/count" && request.method() == "POST" {
        count(&request, outparam);
    } else if let Some((authority, path)) = path.strip_prefix("/relay/").and_then(|it| it.split_once('/')) {
        relay(&request, outparam, authority, &format!("/{}", path));
    } else {
        answer(outparam, 404, b"not found\n");
    }
}

fn count(request: &IncomingRequest, outparam: ResponseOutparam) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for line in BufReader::new(request.body()).lines() {
        let line = match line {
            Ok(line) => line,
            Err(_) => return answer(outparam, 400, b"the body is no text, or broke off\n"),
        };
        for word in line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    let mut words: Vec<(String, usize)> = counts.into_iter().collect();
    words.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then(a.cmp(b)));
    let lines: Vec<String> = words.iter().map(|(word, count)| format!("{} {}\n", count, word)).collect();
    answer(outparam, 200, lines.concat().as_bytes());
}

fn relay(request: &IncomingRequest, outparam: ResponseOutparam, authority: &str, path: &str) {
    let mut body = Vec::new();
    if io::copy(&mut request.body(), &mut body).is_err() {
        return answer(outparam, 400, b"the body broke off\n");
    }
    let method = request.method();
    let headers = Fields::new();
    let sent = Request { method: &method, authority, path_with_query: path, headers, body: &body }.send();
    let response = match sent {
        Ok(response) => response,
        Err(code) => return answer(outparam, 502, format!("{}\n", code).as_bytes()),
    };
    let fields = Fields::new();
    if let Some(kind) = response.headers().first("content-type") {
        fields.append("content-type", &kind);
    }
    let mut answer = outparam.respond(response.status(), fields);
    // One that breaks off is not finished, and so breaks off for who asked as well.
    if io::copy(&mut response.body(), &mut answer).is_ok() {
        let _ = answer.finish();
    }
}

fn answer(outparam: ResponseOutparam, status: u16, body: &[u8]) {
    let fields = Fields::new();
    fields.append("content-type", b"text/plain; charset=utf-8");
    let mut answer: OutgoingBody = outparam.respond(status, fields);
    if answer.write_all(body).is_ok() {
        let _ = answer.finish();
    }
}
