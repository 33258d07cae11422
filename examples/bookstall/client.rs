//! A client of the stall, over HTTP and TCP.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;
use ureq::{Agent, Body, http::Response};

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

    /// The status and the JSON of an answer; `null` without a body, a string for a body that is not JSON.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none in time.
    pub fn get(&self, path: &str) -> Outcome<(u16, Value)> {
        read(self.agent.get(self.url(path)).call()?)
    }

    /// Posts a body that may or may not be JSON.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none in time.
    pub fn post(&self, path: &str, body: &str) -> Outcome<(u16, Value)> {
        let request = self.agent.post(self.url(path));
        read(request.content_type("application/json").send(body)?)
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

/// Posts JSON, but only after the server has received the request and asks for the body. Returns the status.
///
/// It speaks HTTP by hand, since ureq refuses a `100 Continue` with headers, which some servers send.
pub(crate) fn post_when_asked(
    address: SocketAddr,
    path: &str,
    body: &str,
    when_asked: impl FnOnce(),
) -> Outcome<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    let mut answer = BufReader::new(stream.try_clone()?);
    let asked = read_status(&mut answer)?;
    if asked != 100 {
        return Err(format!("POST {path}: expected to be asked for the body, got {asked}").into());
    }
    when_asked();
    stream.write_all(body.as_bytes())?;
    read_status(&mut answer)
}

/// The status of an answer, after reading its whole head.
fn read_status(answer: &mut impl BufRead) -> Outcome<u16> {
    let mut status = None;
    for line in answer.lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
    }
    status.ok_or_else(|| {
        "read an answer: the server closed the connection before its head ended".into()
    })
}
