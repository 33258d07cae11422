//! A client of the stall, over HTTP and TCP.

use std::{io::Read, net::SocketAddr, time::Duration};

use serde_json::Value;
use ureq::{Agent, Body, SendBody, http::Response};

use crate::Outcome;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A client that keeps its connections open from one call to the next, as browsers do.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// A client of the server at this address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE));
        Self {
            agent: settings.build().into(),
            base: format!("http://{address}"),
        }
    }

    /// The status and the JSON of an answer; `null` when it has no body, a text when it has another one.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none in time.
    pub fn get(&self, path: &str) -> Outcome<(u16, Value)> {
        read(self.agent.get(self.url(path)).call()?)
    }

    /// Sends JSON, or what should be some.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none in time.
    pub fn post(&self, path: &str, body: &str) -> Outcome<(u16, Value)> {
        let request = self.agent.post(self.url(path));
        read(request.content_type("application/json").send(body)?)
    }

    /// Sends JSON that is read only once the server asks for it, when the request is in its hands.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none in time.
    pub fn post_when_asked(&self, path: &str, body: &mut dyn Read) -> Outcome<(u16, Value)> {
        let request = self
            .agent
            .post(self.url(path))
            .header("expect", "100-continue");
        let mut body = body;
        read(
            request
                .content_type("application/json")
                .send(SendBody::from_reader(&mut body))?,
        )
    }

    /// Deletes what is at this path.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none in time.
    pub fn delete(&self, path: &str) -> Outcome<(u16, Value)> {
        read(self.agent.delete(self.url(path)).call()?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

fn read(mut response: Response<Body>) -> Outcome<(u16, Value)> {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string()?;
    let body = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    };
    Ok((status, body))
}
