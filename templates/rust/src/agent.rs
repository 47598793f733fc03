//! Greets, then answers each request with how many words it has, until nobody asks any more.

#[path = "../build/bindings/agent.rs"]
mod bindings;

use bindings::ringfence::agent::ipc::{receive, reply, Filter, Received, RequestMessage};
use bindings::ringfence::agent::log::{log, Level};
use bindings::ringfence::agent::types::Payload;

const PATIENCE_MS: u64 = 1_000;

struct Agent;

impl bindings::Guest for Agent {
    fn run() -> Result<(), String> {
        log(Level::Info, "hello from inside the fence");
        loop {
            match receive(&Filter::Any, Some(PATIENCE_MS)) {
                Ok(Received::Request(request)) => answer(request),
                Ok(Received::Cancelled(_)) => return Ok(()),
                Ok(_) => {}
                // Nobody asks any more, or it is not granted to talk to anybody.
                Err(_) => return Ok(()),
            }
        }
    }
}

fn answer(request: RequestMessage) {
    if let Payload::Text(text) = request.payload {
        let words = count_words(&text).to_string();
        if let Err(error) = reply(request.correlation, &Payload::Text(words)) {
            log(Level::Warn, &format!("cannot reply: {error:?}"));
        }
    }
}

fn count_words(text: &str) -> usize {
    text.split(' ').filter(|word| !word.is_empty()).count()
}

bindings::export!(Agent with_types_in bindings);
