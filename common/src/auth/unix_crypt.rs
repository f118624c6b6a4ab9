//! The traditional `crypt(3)`: DES 25 times over zeros, with a salt that twists its expansion.
//!
//! It is read because Jetty's password files hold `CRYPT:` entries. It sees only the first eight characters of a
//! password and is quickly guessed; new entries should be `PBKDF2-SHA256:`.

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const INITIAL: [u8; 64] = [
    58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6,
    64, 56, 48, 40, 32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61,
    53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
];
const FINAL: [u8; 64] = [
    40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30,
    37, 5, 45, 13, 53, 21, 61, 29, 36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27,
    34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25,
];
const EXPANSION: [u8; 48] = [
    32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18,
    19, 20, 21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
];
const PERMUTATION: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19,
    13, 30, 6, 22, 11, 4, 25,
];
const CHOICE_1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60,
    52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29,
    21, 13, 5, 28, 20, 12, 4,
];
const CHOICE_2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52,
    31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const SHIFTS: [usize; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
const BOXES: [[u8; 64]; 8] = [
    [
        14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12,
        11, 9, 5, 3, 8, 4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9,
        1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
    ],
    [
        15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1,
        10, 6, 9, 11, 5, 0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15,
        4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
    ],
    [
        10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5,
        14, 12, 11, 15, 1, 13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6,
        9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
    ],
    [
        7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2,
        12, 1, 10, 14, 9, 10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1,
        13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
    ],
    [
        2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15,
        10, 3, 9, 8, 6, 4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14,
        2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
    ],
    [
        12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13,
        14, 0, 11, 3, 8, 9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5,
        15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
    ],
    [
        4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5,
        12, 2, 15, 8, 6, 1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4,
        10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
    ],
    [
        13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6,
        11, 0, 14, 9, 2, 7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10,
        8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
    ],
];

/// The hash of a password under the salt in the first two characters of `salted`; `None` when there is no salt.
pub(super) fn crypt(password: &str, salted: &str) -> Option<String> {
    let salt = salted.as_bytes().get(..2)?;
    let position = |c: &u8| ALPHABET.iter().position(|known| known == c);
    let (first, second) = (position(&salt[0])?, position(&salt[1])?);
    let expansion = twisted(first | second << 6);
    let keys = schedule(password);
    let mut block = vec![0; 64];
    for _ in 0..25 {
        block = encrypt(&block, &keys, &expansion);
    }
    let mut out = String::from_utf8_lossy(salt).into_owned();
    block.resize(66, 0);
    for six in block.chunks(6) {
        let value = six
            .iter()
            .fold(0, |value, bit| value << 1 | usize::from(*bit));
        out.push(char::from(ALPHABET[value]));
    }
    Some(out)
}

/// The expansion with those bits swapped that the salt names.
fn twisted(salt: usize) -> [u8; 48] {
    let mut table = EXPANSION;
    for bit in 0..12 {
        if salt >> bit & 1 == 1 {
            table.swap(bit, bit + 24);
        }
    }
    table
}

/// The sixteen round keys of a password: seven bits of each of eight characters.
fn schedule(password: &str) -> Vec<Vec<u8>> {
    let mut bits = vec![0; 64];
    for (at, byte) in password.bytes().take(8).enumerate() {
        for bit in 0..7 {
            bits[at * 8 + bit] = byte >> (6 - bit) & 1;
        }
    }
    let mut halves = permute(&bits, &CHOICE_1);
    let mut keys = Vec::with_capacity(16);
    for shift in SHIFTS {
        halves[..28].rotate_left(shift);
        halves[28..].rotate_left(shift);
        keys.push(permute(&halves, &CHOICE_2));
    }
    keys
}

fn encrypt(block: &[u8], keys: &[Vec<u8>], expansion: &[u8; 48]) -> Vec<u8> {
    let mixed = permute(block, &INITIAL);
    let (mut left, mut right) = (mixed[..32].to_vec(), mixed[32..].to_vec());
    for key in keys {
        let mut wide = permute(&right, expansion);
        wide.iter_mut().zip(key).for_each(|(bit, key)| *bit ^= key);
        let mut narrow = Vec::with_capacity(32);
        for (six, table) in wide.chunks(6).zip(&BOXES) {
            let row = six[0] << 1 | six[5];
            let column = six[1] << 3 | six[2] << 2 | six[3] << 1 | six[4];
            let value = table[usize::from(row) * 16 + usize::from(column)];
            narrow.extend((0..4).rev().map(|bit| value >> bit & 1));
        }
        let mut next = permute(&narrow, &PERMUTATION);
        next.iter_mut()
            .zip(&left)
            .for_each(|(bit, old)| *bit ^= old);
        left = std::mem::replace(&mut right, next);
    }
    right.extend(left);
    permute(&right, &FINAL)
}

fn permute(bits: &[u8], table: &[u8]) -> Vec<u8> {
    table.iter().map(|at| bits[usize::from(*at) - 1]).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn as_the_systems_own() {
        for (password, hash) in VECTORS {
            assert_eq!(crypt(password, hash).unwrap(), *hash);
        }
        assert_eq!(crypt("x", "a"), None);
        assert_eq!(crypt("x", "é"), None);
    }

    // Made with `perl -e 'print crypt(…)'`.
    const VECTORS: &[(&str, &str)] = &[
        ("secret", "abNANd1rDfiNc"),
        ("longer than eight", "z/aq8.EfWBxv."),
        ("", "..X8NBuQ4l6uQ"),
    ];
}
