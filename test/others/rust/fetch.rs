//! A client of HTTP on the command line: `fetch METHOD AUTHORITY PATH [NAME=VALUE…]`. What stands on its
//! standard input is the body; the answer's body goes to its standard output as it comes, its status and
//! type to the standard error.

mod guest;
mod wasi;

use std::io::{self, Read, Write};
use wasi::{Fields, Request};

/// Answers 0 where all went well: a result without a value.
#[export_name = "wasi:cli/run@0.2.12#run"]
pub extern "C" fn run() -> u32 {
    match fetch() {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("fetch: {}", why);
            1
        }
    }
}

fn fetch() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (method, authority, path) = match &arguments[..] {
        [method, authority, path, ..] => (method, authority, path),
        _ => return Err("METHOD, AUTHORITY and PATH are needed".to_string()),
    };
    let headers = Fields::new();
    for field in &arguments[3..] {
        let (name, value) = field.split_once('=').ok_or_else(|| format!("{} is no NAME=VALUE", field))?;
        if !headers.append(name, value.as_bytes()) {
            return Err(format!("{} can't be sent", name));
        }
    }
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body).map_err(|error| error.to_string())?;
    let request = Request { method, authority, path_with_query: path, headers, body: &body };
    let response = request.send()?;
    let kind = response.headers().first("content-type").unwrap_or_default();
    eprintln!("{} {}", response.status(), String::from_utf8_lossy(&kind));
    let mut output = io::stdout().lock();
    let copied = io::copy(&mut response.body(), &mut output);
    // What had come of a body that breaks off is told as well.
    output.flush().and(copied.map(drop)).map_err(|error| error.to_string())
}
