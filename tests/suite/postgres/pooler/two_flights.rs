//! A client that prepares a statement in one flight and runs it in the next one.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::support::{
    fake_postgres::{PASSWORD, message, salted},
    relay::host,
};

/// Asks for sums, and gives how many were right. A client that is answered with an error goes on.
pub(super) fn ask(url: &str, first: i32, count: i32) -> usize {
    let mut client = Client::log_in(url).unwrap();
    (first..first + count)
        .filter(|number| client.sum(*number).unwrap_or(None) == Some(number * 2))
        .count()
}

struct Client(TcpStream);

impl Client {
    fn log_in(url: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host(url))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut client = Self(stream);
        let database = url.rsplit('/').next().unwrap();
        let parameters = format!("user\0estoult\0database\0{database}\0\0");
        let startup = [&196_608_i32.to_be_bytes(), parameters.as_bytes()].concat();
        // A startup message has no tag.
        client.0.write_all(&message(b' ', &startup)[1..])?;
        client.prove()?;
        client.until_ready()?;
        Ok(client)
    }

    /// SCRAM-SHA-256 from the client's side (RFC 5802), without a look at the server's proof.
    fn prove(&mut self) -> io::Result<()> {
        self.read()?;
        let first = "n=,r=client";
        let length = i32::try_from(first.len() + 3).unwrap().to_be_bytes();
        let answer = [
            b"SCRAM-SHA-256\0".as_slice(),
            &length,
            b"n,,",
            first.as_bytes(),
        ]
        .concat();
        self.0.write_all(&message(b'p', &answer))?;
        let (_, body) = self.read()?;
        let server = String::from_utf8_lossy(&body[4..]).into_owned();
        let attribute = |name: &str| {
            server
                .split(',')
                .find_map(|part| part.strip_prefix(name))
                .unwrap()
        };
        let salt = STANDARD.decode(attribute("s=")).unwrap();
        let salted = salted(PASSWORD, &salt, attribute("i=").parse().unwrap());
        let key = hmac(&salted, b"Client Key");
        let last = format!("c=biws,r={}", attribute("r="));
        let signature = hmac(
            &Sha256::digest(&key),
            format!("{first},{server},{last}").as_bytes(),
        );
        let proof: Vec<_> = key
            .iter()
            .zip(signature)
            .map(|(key, sign)| key ^ sign)
            .collect();
        let answer = format!("{last},p={}", STANDARD.encode(proof));
        self.0.write_all(&message(b'p', answer.as_bytes()))
    }

    /// The number and itself added by the server, with the number in the statement's text once.
    fn sum(&mut self, number: i32) -> io::Result<Option<i32>> {
        let parse = format!("\0select {number} + $1::int\0\0\0");
        self.0
            .write_all(&[message(b'P', parse.as_bytes()), message(b'S', b"")].concat())?;
        self.until_ready()?;
        let value = number.to_string();
        let length = i32::try_from(value.len()).unwrap().to_be_bytes();
        let bind = [
            b"\0\0\0\0\0\x01".as_slice(),
            &length,
            value.as_bytes(),
            b"\0\0",
        ]
        .concat();
        let flight = [
            message(b'B', &bind),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
        ]
        .concat();
        self.0.write_all(&flight)?;
        let row = self.until_ready()?;
        // The number of columns and the length of the first one.
        Ok(row.and_then(|row| String::from_utf8_lossy(row.get(6..)?).parse().ok()))
    }

    /// Reads until the server is ready; the last row.
    fn until_ready(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut row = None;
        loop {
            match self.read()? {
                (b'Z', _) => return Ok(row),
                (b'D', body) => row = Some(body),
                _ => {}
            }
        }
    }

    fn read(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut header = [0; 5];
        self.0.read_exact(&mut header)?;
        let [tag, length @ ..] = header;
        let length = usize::try_from(i32::from_be_bytes(length)).unwrap();
        let mut body = vec![0; length - 4];
        self.0.read_exact(&mut body)?;
        Ok((tag, body))
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    hmac.update(text);
    hmac.finalize().into_bytes().to_vec()
}
