//! The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677): the exchange is right, its last word may be wrong.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{PASSWORD, Wire, malformed, message::message};

const SALT: &[u8] = b"sixteen bytes of";
const ITERATIONS: u32 = 4096;
/// What the server adds to the nonce of the client.
const NONCE: &str = "server";

/// What the server proves its own knowledge of the password with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    Right,
    /// That of a server that does not know the password.
    Wrong,
    /// None: the server says at once that the client may come in.
    Missing,
}

/// What both sides have sent, without what belongs to the wire.
#[derive(Debug)]
pub(super) struct Conversation<'c> {
    pub(super) client_first_bare: &'c str,
    pub(super) server_first: &'c str,
    pub(super) client_final_without_proof: &'c str,
}

/// Asks for the password; what follows is the greeting of a server.
pub(super) fn exchange(wire: &mut Wire, signature: Signature) -> io::Result<()> {
    wire.send(&message(b'R', b"\0\0\0\x0ASCRAM-SHA-256\0\0"))?;
    let first = wire.read()?;
    // The mechanism, a zero, the length of the rest.
    let start = first
        .body
        .iter()
        .position(|byte| *byte == 0)
        .ok_or_else(malformed)?;
    let first = text(first.body.get(start + 5..))?;
    // Without channel binding the header is `n,,` or `y,,`.
    let bare = first.splitn(3, ',').nth(2).ok_or_else(malformed)?;
    let nonce = attribute(bare, "r=").ok_or_else(malformed)?;
    let salt = STANDARD.encode(SALT);
    let server_first = format!("r={nonce}{NONCE},s={salt},i={ITERATIONS}");
    wire.send(&continued(11, &server_first))?;
    let last = wire.read()?;
    let last = text(Some(&last.body))?;
    let (without_proof, _) = last.rsplit_once(",p=").ok_or_else(malformed)?;
    let key = salted(
        if signature == Signature::Wrong {
            "another"
        } else {
            PASSWORD
        },
        SALT,
        ITERATIONS,
    );
    let proof = sign(
        &key,
        &Conversation {
            client_first_bare: bare,
            server_first: &server_first,
            client_final_without_proof: without_proof,
        },
    );
    match signature {
        Signature::Right | Signature::Wrong => wire.send(&continued(12, &format!("v={proof}"))),
        Signature::Missing => Ok(()),
    }
}

/// The server's signature under a salted password, in base64.
pub(super) fn sign(salted: &[u8], conversation: &Conversation<'_>) -> String {
    let key = hmac(salted, &[b"Server Key"]);
    let parts = [
        conversation.client_first_bare,
        conversation.server_first,
        conversation.client_final_without_proof,
    ];
    STANDARD.encode(hmac(&key, &[parts.join(",").as_bytes()]))
}

/// The password with its salt: one block of PBKDF2, which is as long as the hash.
pub(crate) fn salted(password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
    let mut block = hmac(password.as_bytes(), &[salt, &[0, 0, 0, 1]]);
    let mut sum = block.clone();
    for _ in 1..iterations {
        block = hmac(password.as_bytes(), &[&block]);
        sum.iter_mut()
            .zip(&block)
            .for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| hmac.update(part));
    hmac.finalize().into_bytes().to_vec()
}

fn continued(kind: i32, text: &str) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes(), text.as_bytes()].concat())
}

fn attribute<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.split(',').find_map(|part| part.strip_prefix(name))
}

fn text(bytes: Option<&[u8]>) -> io::Result<&str> {
    bytes
        .and_then(|bytes| str::from_utf8(bytes).ok())
        .ok_or_else(malformed)
}
