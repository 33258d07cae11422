//! The scripted server before a client that is a bare socket.

use std::{
    io::{Error, Read, Write},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    FakePostgres, Opening, Signature, command_complete, data_row, error, message, notice,
    parameter_types, ready, row_description,
    scram::{Conversation, salted, sign},
    with_length,
};

fn client(server: &FakePostgres, opening: &[u8]) -> TcpStream {
    let url = server.url();
    let mut stream = TcpStream::connect(url.split(['@', '/']).nth(3).unwrap()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(opening).unwrap();
    stream
}

/// All that the server sends until it closes the connection.
fn rest(mut stream: TcpStream) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map(|_| bytes)
}

fn startup() -> Vec<u8> {
    let parameters = b"user\0estoult\0database\0fake\0\0";
    let mut bytes = i32::try_from(parameters.len() + 8)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    bytes.extend(196_608_i32.to_be_bytes());
    bytes.extend(parameters);
    bytes
}

#[test]
fn a_client_is_let_in_and_answered() {
    let rows = [
        message(b'1', b""),
        parameter_types(&[23]),
        row_description(&[("id", 23), ("name", 25)]),
        data_row(&[Some(&[0, 0, 0, 1]), None]),
        notice("look"),
        command_complete("SELECT 1"),
        error("57P01", "ended"),
        ready(b'I'),
    ]
    .concat();
    let server = FakePostgres::answering(rows.clone());
    let mut stream = client(&server, &startup());
    stream.write_all(&message(b'S', b"")).unwrap();
    let bytes = rest(stream).unwrap();
    assert!(bytes.starts_with(b"R\0\0\0\x08\0\0\0\0S"), "{bytes:?}");
    assert!(bytes.ends_with(&[ready(b'I'), rows].concat()), "{bytes:?}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn messages_have_the_form_of_the_protocol() {
    assert_eq!(ready(b'T'), b"Z\0\0\0\x05T");
    assert_eq!(
        data_row(&[Some(b"ab"), None]),
        b"D\0\0\0\x10\0\x02\0\0\0\x02ab\xff\xff\xff\xff"
    );
    assert_eq!(
        row_description(&[("a", 23)]),
        b"T\0\0\0\x1a\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\xff\xff\xff\xff\xff\xff\0\x01"
    );
    assert_eq!(
        error("57014", "no"),
        b"E\0\0\0\x1eSERROR\0VERROR\0C57014\0Mno\0\0"
    );
    assert_eq!(with_length(b'D', i32::MAX, b""), b"D\x7f\xff\xff\xff");
}

#[test]
fn tls_is_refused_and_the_session_begins() {
    let server = FakePostgres::start(|wire| {
        let parameters = wire.parameters()?;
        wire.send(parameters[1].1.as_bytes())
    });
    let mut stream = client(&server, &[0, 0, 0, 8, 4, 210, 22, 47]);
    stream.read_exact(&mut [0]).unwrap();
    stream.write_all(&startup()).unwrap();
    assert_eq!(rest(stream).unwrap(), b"fake");
}

#[test]
fn a_script_sees_how_a_client_begins() {
    let server = FakePostgres::start(|wire| {
        let opening = wire.opening()?;
        let is_second = wire.number == 1;
        wire.send(format!("{opening:?} {is_second}").as_bytes())
    });
    let tls = client(&server, &[0, 0, 0, 8, 4, 210, 22, 47]);
    assert_eq!(
        rest(tls).unwrap(),
        format!("{:?} false", Opening::Tls).as_bytes()
    );
    let cancel = client(
        &server,
        &[0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 7, 0, 0, 0, 9],
    );
    let opening = Opening::Cancel {
        process: 7,
        key: vec![0, 0, 0, 9],
    };
    assert_eq!(
        rest(cancel).unwrap(),
        format!("{opening:?} true").as_bytes()
    );
}

#[test]
fn a_server_that_hangs_ends_with_its_client() {
    let server = FakePostgres::start(|wire| {
        wire.accept()?;
        wire.hang()
    });
    let mut stream = client(&server, &startup());
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    stream.write_all(&message(b'S', b"")).unwrap();
    rest(stream).unwrap_err();
}

/// The example of RFC 7677.
#[test]
fn a_signature_is_that_of_the_standard() {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let conversation = Conversation {
        client_first_bare: "n=user,r=rOprNGfwEbeRWgbNEkqO",
        server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        client_final_without_proof: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    };
    let signature = sign(&salted("pencil", &salt, 4096), &conversation);
    assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

/// What the server says last before its greeting.
fn last_word(signature: Signature) -> Vec<u8> {
    let server = FakePostgres::start(move |wire| wire.accept_with_scram(signature));
    let mut stream = client(&server, &startup());
    let first = b"n,,n=,r=client";
    let length = i32::try_from(first.len()).unwrap().to_be_bytes();
    let first = [b"SCRAM-SHA-256\0".as_slice(), &length, first].concat();
    stream.write_all(&message(b'p', &first)).unwrap();
    stream
        .write_all(&message(b'p', b"c=biws,r=clientserver,p=AAAA"))
        .unwrap();
    let bytes = rest(stream).unwrap();
    let greeting = b"R\0\0\0\x08\0\0\0\0";
    let end = bytes
        .windows(9)
        .position(|window| window == greeting)
        .unwrap();
    bytes[..end].to_vec()
}

#[test]
fn the_server_proves_itself_as_asked() {
    let [right, wrong, missing] =
        [Signature::Right, Signature::Wrong, Signature::Missing].map(last_word);
    let text = String::from_utf8_lossy(&right);
    assert!(text.contains("r=clientserver,s="), "{text}");
    assert!(text.contains("v="), "{text}");
    assert_ne!(right, wrong);
    assert_eq!(right.len(), wrong.len());
    assert!(right.starts_with(&missing) && missing.len() < right.len());
}
