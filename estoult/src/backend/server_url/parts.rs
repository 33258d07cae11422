//! A server's URL in its parts, split as RFC 3986 does (appendix B). Nothing is decoded yet.
//!
//! Invariant: no error shows a part; a password with unescaped characters may be in any of them.

use std::net::Ipv6Addr;

const ESCAPES: &str = "in user and password write `@ : / # ?` as %40 %3A %2F %23 %3F";

/// The parts of `scheme://user:password@host:port/path?query`.
#[derive(Default)]
pub(super) struct UrlParts<'a> {
    pub(super) user: &'a str,
    pub(super) password: Option<&'a str>,
    /// An IPv6 address is without its brackets.
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

/// Splits a URL, or says what is wrong with it.
pub(super) fn split<'a>(scheme: &str, url: &'a str) -> Result<UrlParts<'a>, String> {
    // A file or a variable that holds the URL may end in a line break.
    let rest = url.trim();
    let (rest, fragment) = cut(rest, '#');
    let (rest, query) = cut(rest, '?');
    let place = rest
        .split_once(':')
        .and_then(|(_, rest)| rest.strip_prefix("//"));
    let malformed =
        |problem| format!("{problem}; write it as {scheme}://user:password@host:port/database");
    let Some(place) = place else {
        return Err(malformed("`//` is missing behind the scheme".to_owned()));
    };
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let is_host_option =
        query.is_some_and(|query| query.split('&').any(|option| option.starts_with("host=")));
    let mut parts = split_authority(authority, is_host_option).map_err(malformed)?;
    parts.path = path;
    parts.query = query.unwrap_or_default();
    // The rest of a password with an unescaped character.
    if parts.path.contains('@') || parts.query.contains('@') {
        return Err(format!(
            "there is an `@` behind the host; {ESCAPES}, elsewhere `@` as %40"
        ));
    }
    if fragment.is_some() {
        let problem = "there is a `#`, which means nothing in it; in user, password and names write it as %23";
        return Err(problem.to_owned());
    }
    Ok(parts)
}

/// A host may be missing where an option names it, or where nothing else is given either.
fn split_authority(authority: &str, is_host_option: bool) -> Result<UrlParts<'_>, String> {
    let (login, server) = match authority.rsplit_once('@') {
        Some((login, server)) => (Some(login), server),
        None => (None, authority),
    };
    let (user, password) = cut(login.unwrap_or_default(), ':');
    let (host, port) = split_server(server)?;
    if host.is_empty() && !is_host_option && (login.is_some() || port.is_some()) {
        return Err("the host is missing".to_owned());
    }
    let port = port
        .filter(|port| !port.is_empty())
        .map(parse_port)
        .transpose()?;
    Ok(UrlParts {
        user,
        password,
        host,
        port,
        ..UrlParts::default()
    })
}

/// The host and the text behind its colon.
fn split_server(server: &str) -> Result<(&str, Option<&str>), String> {
    let Some(bracketed) = server.strip_prefix('[') else {
        if is_ipv6(server) {
            return Err("the host is an IPv6 address, which stands in brackets".to_owned());
        }
        let (host, port) = cut(server, ':');
        if host.contains(is_never_in_host) {
            return Err("the host has a character that no host name may have".to_owned());
        }
        return Ok((host, port));
    };
    match bracketed.split_once(']') {
        Some((host, "")) if is_ipv6(host) => Ok((host, None)),
        Some((host, port)) if is_ipv6(host) && port.starts_with(':') => Ok((host, port.get(1..))),
        _ => Err("the host is not a valid IP address".to_owned()),
    }
}

fn is_ipv6(host: &str) -> bool {
    host.parse::<Ipv6Addr>().is_ok()
}

fn is_never_in_host(character: char) -> bool {
    character.is_whitespace() || character.is_control() || r"<>[]\^|".contains(character)
}

fn parse_port(text: &str) -> Result<u16, String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| is_number && *port > 0);
    port.ok_or_else(|| format!("the port is not a number from 1 to 65535 ({ESCAPES})"))
}

/// The text before a mark, and the one behind it if there is a mark.
fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}
