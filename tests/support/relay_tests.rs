//! The relay before an echo, and before both servers.

use std::{
    io::{Error, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use estoult::{Database, Result, sql};

use super::{
    relay::{Relay, Traffic, host},
    runtime,
    servers::{mysql_url, postgres_url},
};

const DELAY: Duration = Duration::from_millis(20);
const SILENCE: Duration = Duration::from_millis(300);

/// A relay before a server that does this with each connection.
fn relay_before(serve: fn(&TcpStream) -> Result<(), Error>, delay: Duration) -> Relay {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("test://user@{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&stream));
        }
    });
    Relay::new(&url, delay)
}

/// A relay before a server that sends back what it gets.
fn relay_before_an_echo(delay: Duration) -> Relay {
    let echo = |mut stream: &TcpStream| std::io::copy(&mut { stream }, &mut stream).map(drop);
    relay_before(echo, delay)
}

fn client(relay: &Relay) -> TcpStream {
    let stream = TcpStream::connect(host(&relay.url())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

fn ask(stream: &mut TcpStream, text: &str) -> Result<String, Error> {
    stream.write_all(text.as_bytes())?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn each_way_takes_the_delay() {
    let relay = relay_before_an_echo(DELAY);
    let mut stream = client(&relay);
    let begin = Instant::now();
    assert_eq!(ask(&mut stream, "hello").unwrap(), "hello");
    assert!(begin.elapsed() >= DELAY * 2, "{:?}", begin.elapsed());
}

#[test]
fn a_round_trip_is_a_question_and_its_answer() {
    let relay = relay_before_an_echo(Duration::ZERO);
    let (mut one, mut other) = (client(&relay), client(&relay));
    for _ in 0..3 {
        ask(&mut one, "one").unwrap();
    }
    ask(&mut other, "other").unwrap();
    assert_eq!(relay.round_trips(), 4);
    assert_eq!(relay.connections(), 2);
}

#[test]
fn what_is_sent_before_the_answer_belongs_to_one_round_trip() {
    let relay = relay_before_an_echo(Duration::from_millis(200));
    let mut stream = client(&relay);
    for _ in 0..5 {
        stream.write_all(b"question").unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    stream.read_exact(&mut [0; 40]).unwrap();
    assert_eq!(relay.round_trips(), 1);
}

#[test]
fn a_large_question_and_a_large_answer_are_one_round_trip() {
    let large = |mut stream: &TcpStream| {
        loop {
            stream.read_exact(&mut vec![0; 4_000_000])?;
            stream.write_all(&vec![7; 4_000_000])?;
        }
    };
    let relay = relay_before(large, Duration::ZERO);
    let mut stream = client(&relay);
    for _ in 0..2 {
        ask(&mut stream, &"?".repeat(4_000_000)).unwrap();
    }
    assert_eq!(relay.round_trips(), 2);
}

#[test]
fn a_connection_is_cut_after_some_bytes_of_the_answer() {
    let relay = relay_before_an_echo(Duration::from_millis(1));
    let mut stream = client(&relay);
    ask(&mut stream, "whole").unwrap();
    relay.set(Traffic::CutAfter(8));
    assert_eq!(ask(&mut stream, "whole").unwrap(), "whole");
    stream.write_all(b"partial").unwrap();
    let mut rest = String::new();
    // The cut may reset the connection.
    let _ = stream.read_to_string(&mut rest);
    assert_eq!(rest, "par");
    assert_eq!(ask(&mut client(&relay), "again").unwrap(), "again");
}

#[test]
fn a_cut_after_nothing_loses_the_answer() {
    let relay = relay_before_an_echo(Duration::ZERO);
    let mut stream = client(&relay);
    relay.set(Traffic::CutAfter(0));
    ask(&mut stream, "question").unwrap_err();
    assert_eq!(relay.round_trips(), 1);
}

#[test]
fn a_silent_relay_keeps_connections_open() {
    let relay = relay_before_an_echo(Duration::ZERO);
    let mut stream = client(&relay);
    ask(&mut stream, "loud").unwrap();
    relay.set(Traffic::Swallow);
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let error = ask(&mut stream, "quiet").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    relay.set(Traffic::Forward);
    let error = ask(&mut stream, "still quiet").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(ask(&mut client(&relay), "loud").unwrap(), "loud");
}

#[test]
fn dropped_connections_are_closed_and_new_ones_accepted() {
    let relay = relay_before_an_echo(Duration::ZERO);
    let mut stream = client(&relay);
    ask(&mut stream, "before").unwrap();
    relay.drop_connections();
    ask(&mut stream, "after").unwrap_err();
    assert_eq!(ask(&mut client(&relay), "new").unwrap(), "new");
    let url = relay.url();
    drop(relay);
    let refused = TcpStream::connect(host(&url));
    assert!(refused.is_err() || ask(&mut refused.unwrap(), "gone").is_err());
}

fn count_of_a_statement(server_url: &str) -> usize {
    let relay = Relay::new(server_url, Duration::from_millis(1));
    runtime()
        .block_on(async {
            let db = Database::builder(relay.url()).max_connections(1).build()?;
            let lifespan = db.connect().await?;
            let text = "select cast(7 as char(1))";
            sql(text).one::<(String,)>(&db).await?;
            let before = relay.round_trips();
            sql(text).one::<(String,)>(&db).await?;
            let count = relay.round_trips() - before;
            lifespan.close().await?;
            Ok::<_, estoult::Error>(count)
        })
        .unwrap()
}

#[test]
fn a_known_statement_is_one_round_trip_to_postgres() {
    assert_eq!(count_of_a_statement(postgres_url()), 1);
}

#[test]
fn a_known_statement_is_one_round_trip_to_mysql() {
    assert_eq!(count_of_a_statement(mysql_url()), 1);
}
