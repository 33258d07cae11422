//! Channel binding: the hash of the server's certificate, which a login includes so that it is worth nothing on another
//! connection (`tls-server-end-point` of RFC 5929).

use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio_rustls::client::TlsStream;

/// The tags of DER that lead to the algorithm (X.690).
const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;

/// The hashes of signature algorithms, by the contents of their object ids (RFC 8017, RFC 5758).
const ALGORITHMS: [(&[u8], Hash); 8] = [
    (&[42, 134, 72, 134, 247, 13, 1, 1, 4], Hash::Sha256),
    (&[42, 134, 72, 134, 247, 13, 1, 1, 5], Hash::Sha256),
    (&[42, 134, 72, 134, 247, 13, 1, 1, 11], Hash::Sha256),
    (&[42, 134, 72, 134, 247, 13, 1, 1, 12], Hash::Sha384),
    (&[42, 134, 72, 134, 247, 13, 1, 1, 13], Hash::Sha512),
    (&[42, 134, 72, 206, 61, 4, 3, 2], Hash::Sha256),
    (&[42, 134, 72, 206, 61, 4, 3, 3], Hash::Sha384),
    (&[42, 134, 72, 206, 61, 4, 3, 4], Hash::Sha512),
];

#[derive(Clone, Copy)]
enum Hash {
    /// Also in place of MD5 and SHA-1, as RFC 5929 says.
    Sha256,
    Sha384,
    Sha512,
}

/// What binds a login to this connection; `None` for a certificate whose algorithm has no hash of its own.
pub(crate) fn channel_binding<S>(stream: &TlsStream<S>) -> Option<Vec<u8>> {
    let (_, connection) = stream.get_ref();
    let certificate = connection.peer_certificates()?.first()?;
    end_point(certificate)
}

fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = signature_algorithm(certificate)?;
    let (_, hash) = ALGORITHMS.iter().find(|(id, _)| *id == algorithm)?;
    Some(match hash {
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

/// The object id of the algorithm: the first element of a certificate's second part (RFC 5280, section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (contents, _) = element(certificate, SEQUENCE)?;
    let (_, after_facts) = element(contents, SEQUENCE)?;
    let (algorithm, _) = element(after_facts, SEQUENCE)?;
    let (id, _) = element(algorithm, OBJECT_ID)?;
    Some(id)
}

/// The contents of the first element, which has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 128 {
        (usize::from(first), rest)
    } else {
        // The long form: the low bits say how many bytes the length has.
        let (digits, rest) = rest.split_at_checked(usize::from(first & 127))?;
        let length = digits.iter().try_fold(0_usize, |length, digit| {
            length.checked_mul(256)?.checked_add(usize::from(*digit))
        })?;
        (length, rest)
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    (found == tag).then_some((contents, rest))
}

#[cfg(test)]
mod tests {
    use super::{element, end_point, signature_algorithm};

    /// A certificate reduced to what is read of it: facts, algorithm, signature.
    fn certificate(algorithm: &[u8]) -> Vec<u8> {
        let mut id = vec![0x06, u8::try_from(algorithm.len()).unwrap()];
        id.extend(algorithm);
        let mut contents = vec![
            0x30,
            0x81,
            3,
            1,
            2,
            3,
            0x30,
            u8::try_from(id.len()).unwrap(),
        ];
        contents.extend(id);
        contents.extend([3, 1, 0]);
        let mut all = vec![0x30, 0x82, 0, u8::try_from(contents.len()).unwrap()];
        all.extend(contents);
        all
    }

    #[test]
    fn the_hash_follows_the_signature_algorithm() {
        let sha256 = certificate(&[42, 134, 72, 206, 61, 4, 3, 2]);
        assert_eq!(end_point(&sha256).unwrap().len(), 32);
        let sha512 = certificate(&[42, 134, 72, 134, 247, 13, 1, 1, 13]);
        assert_eq!(end_point(&sha512).unwrap().len(), 64);
        // Ed25519 signs without a hash.
        let ed25519 = certificate(&[43, 101, 112]);
        assert_eq!(signature_algorithm(&ed25519), Some(&[43, 101, 112][..]));
        assert_eq!(end_point(&ed25519), None);
    }

    #[test]
    fn a_certificate_that_ends_early_has_no_algorithm() {
        let whole = certificate(&[42, 134, 72, 206, 61, 4, 3, 2]);
        for end in 0..whole.len() {
            assert_eq!(signature_algorithm(&whole[..end]), None);
        }
        assert!(element(&[0x30, 0x84, 255, 255, 255, 255], 0x30).is_none());
    }
}
