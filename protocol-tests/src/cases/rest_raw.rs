//! Raw mode on v2: any body is a record, or one of each line, row or part. Looked at where it lies in Kafka.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::rest_beyond::codes;
use super::{expect_status, produce_ok};
use crate::Session;
use crate::http::Request;
use crate::target::Proxy;
use crate::usage::Usage;

/// The list of these cases.
#[macro_export]
macro_rules! rest_raw_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_raw any_body_can_be_a_record lines_are_written_as_they_come);
    };
}

/// JSON as it came, text, lines, rows, parts, with key, partition, time and headers; other topics still say 415.
///
/// # Errors
/// The case fails.
pub async fn any_body_can_be_a_record(session: &Session) -> Result<()> {
    let topic = session.topic("raw", 2).await?;
    let other = session.topic("enveloped", 1).await?;
    let settings = [
        (
            "sluiceway.raw.topics",
            &*format!("{}*", &topic[..topic.len() - 2]),
        ),
        ("sluiceway.raw.forward.headers", "X-Event"),
    ];
    let proxy = Proxy::start(session, &settings).await?;
    let post = |topic: &str, kind: &str, body: &[u8]| {
        Request::new("POST", &format!("/topics/{topic}"))
            .header("Content-Type", kind)
            .header("Accept", "text/html, */*;q=0.1")
            .header("Kafka-Partition", "1")
            .body(body)
    };
    let json = b" {\"b\" : 1.0,\n \"a\":\"\\u00e9\"}";
    let form = b"--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n\x00\xff\r\n--X--\r\n";
    let bodies: [(&str, &[u8], usize); 6] = [
        ("application/json; charset=utf-8", json, 1),
        ("text/plain", b"two\nlines", 1),
        ("application/x-www-form-urlencoded", b"a=b&c=d", 1),
        ("application/x-ndjson", b"{\"n\":1}\n\n{\"n\":2}\r\n", 2),
        ("text/csv; header=present", b"x,y\n1,\"a\nb\"\n", 1),
        ("multipart/form-data; boundary=X", form, 1),
    ];
    for (kind, body, records) in bodies {
        let request = post(&topic, kind, body)
            .header("Kafka-Key", "k")
            .header("Kafka-Timestamp", "1600000000000")
            .header("Kafka-Header-Trace", "abc")
            .header("X-Event", "push");
        let answer = proxy.http.call(&request).await?;
        expect_status(&answer, 200).context(kind.to_owned())?;
        ensure!(
            answer.header("content-type") == Some("application/json"),
            "{:?}",
            answer.headers
        );
        ensure!(codes(&answer)? == vec![0; records], "{}", answer.text()?);
    }
    let stored = session.kafka.read_all(&topic)?;
    let values: Vec<&[u8]> = stored.iter().filter_map(|r| r.value.as_deref()).collect();
    let expected: [&[u8]; 7] = [
        json,
        b"two\nlines",
        b"a=b&c=d",
        b"{\"n\":1}",
        b"{\"n\":2}",
        b"1,\"a\nb\"",
        b"\x00\xff",
    ];
    ensure!(values == expected, "{values:?}");
    for record in &stored {
        ensure!(
            record.key.as_deref() == Some(b"k") && record.partition == 1,
            "{record:?}"
        );
        ensure!(record.timestamp == Some(1_600_000_000_000), "{record:?}");
        let names: Vec<&str> = record.headers.iter().map(|(name, _)| &**name).collect();
        ensure!(names.starts_with(&["trace", "x-event"]), "{names:?}");
    }
    let part = stored.last().context("nothing stored")?;
    let filename = ("part-filename".to_owned(), Some(b"a.bin".to_vec()));
    ensure!(part.headers.contains(&filename), "{part:?}");
    let large = "x".repeat(1_100_000);
    let refusals: [(&str, &str, &[u8], u16); 5] = [
        (&topic, "application/json", b"{\"a\":", 400),
        (&topic, "application/x-ndjson", b"{}\nno\n", 400),
        (&topic, "multipart/form-data", form, 400),
        (&topic, "text/plain", large.as_bytes(), 413),
        (&other, "application/json", b"{}", 415),
    ];
    for (topic, kind, body, status) in refusals {
        let answer = proxy.http.call(&post(topic, kind, body)).await?;
        expect_status(&answer, status).context(kind.to_owned())?;
    }
    // The envelope still is one, and of a record that cannot be written the status tells.
    produce_ok(
        &proxy.http,
        &format!("/topics/{topic}"),
        &json!({"records": [{"value": 1}]}),
    )
    .await?;
    let mut far = post(&topic, "text/plain", b"x");
    far.headers.retain(|(name, _)| name != "Kafka-Partition");
    let answer = proxy.http.call(&far.header("Kafka-Partition", "9")).await?;
    expect_status(&answer, 404)?;
    ensure!(
        session.kafka.read_all(&topic)?.len() == 8,
        "something refused was written"
    );
    Ok(())
}

/// NDJSON and CSV of any length are written as they come: in order, within bounded memory; what is wrong in a later block is
/// told beside what was written.
///
/// # Errors
/// The case fails.
pub async fn lines_are_written_as_they_come(session: &Session) -> Result<()> {
    const LINES: usize = 24_000;
    const GROWTH_KIB: u64 = 16 * 1024;
    let topic = session.topic("lines", 1).await?;
    let settings = [
        ("sluiceway.raw.topics", &*topic),
        ("sluiceway.raw.block.bytes", "65536"),
        ("sluiceway.raw.lines.max", "24000"),
    ];
    let proxy = Proxy::start(session, &settings).await?;
    let post = |kind: &str, body: Vec<u8>| {
        Request::new("POST", &format!("/topics/{topic}"))
            .header("Content-Type", kind)
            .body(body)
    };
    let ndjson = "application/x-ndjson";
    let filling = "x".repeat(1000);
    let line = |n: usize| format!("{{\"n\":{n},\"filling\":\"{filling}\"}}\n");
    proxy.http.call(&post(ndjson, line(0).into())).await?;
    let pid = proxy.program.as_ref().context("only ours")?.pid();
    let before = Usage::of(pid)?;
    let body: String = (0..LINES).map(line).collect();
    let answer = proxy.http.call(&post(ndjson, body.into())).await?;
    expect_status(&answer, 200)?;
    ensure!(codes(&answer)? == vec![0; LINES], "some were not written");
    let grown = Usage::of(pid)?.peak_kib.saturating_sub(before.peak_kib);
    eprintln!("24 MB of lines: {} KiB more at most", grown);
    ensure!(grown < GROWTH_KIB, "{grown} KiB more than before");

    // Broken in the third block and behind; in the first one nothing is written.
    let mut body: String = (0..190).map(line).collect();
    body.push_str("no\n");
    let answer = proxy.http.call(&post(ndjson, body.clone().into())).await?;
    expect_status(&answer, 207)?;
    let told = codes(&answer)?;
    let (last, written) = told.split_last().context("no entry")?;
    ensure!(
        *last == 400 && written.len() > 60 && written.iter().all(|code| *code == 0),
        "{told:?}"
    );
    ensure!(answer.text()?.contains("line 191"), "{}", answer.text()?);
    let bad = format!("{}no\n", line(0));
    expect_status(&proxy.http.call(&post(ndjson, bad.into())).await?, 400)?;
    let written = written.len();

    // Rows that hold line ends; more lines than one body may have.
    let rows: String = (0..400)
        .map(|n| format!("{n},\"{filling}\nsecond\"\n"))
        .collect();
    let csv = "text/csv; header=present";
    let answer = proxy
        .http
        .call(&post(csv, format!("n,text\n{rows}").into()))
        .await?;
    expect_status(&answer, 200)?;
    ensure!(codes(&answer)?.len() == 400, "not as many as rows");
    let answer = proxy
        .http
        .call(&post(ndjson, "1\n".repeat(24_001).into()))
        .await?;
    expect_status(&answer, 413)?;

    let stored = session.kafka.read_all(&topic)?;
    let text = |index: usize| {
        stored
            .get(index)
            .map(|record| record.text())
            .unwrap_or_default()
    };
    ensure!(
        stored.len() == 1 + LINES + written + 400,
        "{}",
        stored.len()
    );
    for n in 0..LINES {
        ensure!(
            text(1 + n) == line(n).trim_end(),
            "record {n}: {}",
            text(1 + n)
        );
    }
    let last = stored.len() - 1;
    ensure!(
        text(last) == format!("399,\"{filling}\nsecond\""),
        "{}",
        text(last)
    );
    Ok(())
}
