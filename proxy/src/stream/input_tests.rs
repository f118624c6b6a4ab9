//! Streams cut in every place, and records over the limit.
#![allow(clippy::unwrap_used)]
use sluiceway_common::props;

use super::*;

fn read(stream: &[u8], step: usize, settings: &str) -> Vec<String> {
    let settings = format!("bootstrap.servers=127.0.0.1:1\n{settings}");
    let config = Config::parse(&props::parse(&settings).unwrap()).unwrap();
    in_pieces(stream, step, &config)
}

#[test]
fn a_stream_is_read_the_same_however_it_is_cut() {
    for (stream, count) in [
        (
            "{\"value\":{\"type\":\"JSON\",\"data\":{\"a\" : [1, \"}\"]}}} \r\n\t{\"partition_id\":3}\n\n{}",
            3,
        ),
        (
            "{\"zz\":1}[{}]null 12 {}\n{\"value\":{\"type\":\"BOGUS\",\"data\":[]}}{}",
            7,
        ),
        (
            "{}\n{}\n {\"value\":{\"type\":\"JSON\",\"data\":nope}}\n{}\n{\"value\":}\n{}",
            6,
        ),
        ("{}\u{c}{}", 2),
        ("{\"partition_id\":1}{\"partition_id\":", 3),
        ("{\"partition_id\":1}}{}", 2),
        ("{\"a\":[1,\"é\" 2,\"é€\u{1f600}\"]}{}", 2),
        ("{\"a\":[1 2, é]}{}", 2),
        ("{\"a\":[1 2, \u{1f600}]}{}", 2),
        ("{\"a\":[1 2, nope_é€$1]}{}", 2),
        ("{\"a\":[1 2, NaN, -Infinity]}{}", 2),
        ("{\"a\":[1 2, -INF, 1e+]}{}", 2),
        ("{\"a\":[1 2, +t]}{}", 2),
    ] {
        let whole = read(stream.as_bytes(), stream.len(), "");
        assert_eq!(whole.len(), count, "{stream}: {whole:#?}");
        for step in 1..stream.len() {
            assert_eq!(
                read(stream.as_bytes(), step, ""),
                whole,
                "{stream} in {step}"
            );
        }
    }
}

#[test]
fn what_closes_nothing_is_told_from_the_streams_beginning() {
    let stream = b"{}\n {\"a\":[]} }";
    for step in [stream.len(), 3, 1] {
        let found = read(stream, step, "");
        let last = found.last().map_or("", String::as_str);
        assert!(last.contains("for root starting at"), "{found:?}");
        assert!(last.contains("line: 1, column: 0]"), "{found:?}");
    }
}

#[test]
fn a_record_over_the_limit_ends_it_whole_or_in_pieces() {
    let settings = "api.v3.produce.request.size.limit.max.bytes=20";
    let stream = b"{}{\"partition_id\":1  }{\"partition_id\":1   }{}";
    for step in [stream.len(), 7, 1] {
        let found = read(stream, step, settings);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].starts_with("20 "), "{found:?}");
        assert!(found[2].contains("larger than allowed"), "{found:?}");
    }
}
