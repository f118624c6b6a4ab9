//! Keys that several proxies see, and a proxy that dies with one.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{is_replayed, keyed, same, shared, start, until_known, v3};
use crate::Session;
use crate::cases::expect_status;
use crate::replicas::Replicas;

/// Three replicas behind a balancer: each key once, whoever is asked; the keys of one that is killed, too.
///
/// # Errors
/// The case fails.
pub async fn replicas_share_keys(session: &Session) -> Result<()> {
    let topic = session.topic("shared", 1).await?;
    let keys = session.name("keys");
    let properties = [
        ("sluiceway.idempotency.enable", "true"),
        ("sluiceway.idempotency.topic", &*keys),
    ];
    let mut replicas = Replicas::start(session, 3, &properties).await?;
    let http = replicas.client()?;
    let (path, records) = (
        format!("/topics/{topic}"),
        format!("/v3/clusters/c/topics/{topic}/records"),
    );
    // By v2 and by v3 in turn.
    let request = |number: usize, value: usize| {
        let key = number.to_string();
        match number % 2 {
            0 => keyed(&path, &key, &json!({"records": [{"value": value}]})),
            _ => {
                let record = json!({"value": {"type": "JSON", "data": value}});
                v3(&records, &key, &record.to_string())
            }
        }
    };
    let mut answers = Vec::new();
    for number in 0..12 {
        let answer = http.call(&request(number, number)).await?;
        expect_status(&answer, 200)?;
        answers.push(answer);
    }
    replicas.proxies[1]
        .program
        .as_mut()
        .context("not ours")?
        .kill()?;
    for (number, first) in answers.iter().enumerate() {
        same(first, &http.call(&request(number, number)).await?)?;
        expect_status(&http.call(&request(number, 99)).await?, 422)?;
    }
    ensure!(session.kafka.read_committed(&topic)?.len() == 12);
    Ok(())
}

/// Without peers Kafka's fencing alone has to do.
///
/// # Errors
/// The case fails.
pub async fn two_proxies_that_do_not_know_one_another_write_once(session: &Session) -> Result<()> {
    let topic = session.topic("fenced", 1).await?;
    let proxies = [start(session, &[]).await?, start(session, &[]).await?];
    let path = format!("/topics/{topic}");
    for number in 0..6 {
        let request = keyed(
            &path,
            &format!("k{number}"),
            &json!({"records": [{"value": number}]}),
        );
        let (one, two) = tokio::join!(
            until_known(&proxies[0].http, &request),
            until_known(&proxies[1].http, &request)
        );
        let (one, two) = (one?, two?);
        shared(&one, &two)?;
    }
    ensure!(session.kafka.read_committed(&topic)?.len() == 6);
    Ok(())
}

/// `kill -9` at eight moments of a request, the retry goes to another proxy: every key is there once.
///
/// # Errors
/// The case fails.
pub async fn a_killed_proxy_has_written_all_or_nothing(session: &Session) -> Result<()> {
    const KILLS: u64 = 8;
    let topic = session.topic("killed", 1).await?;
    let path = format!("/topics/{topic}");
    let other = start(session, &[]).await?;
    let (mut answered, mut replayed) = (0, 0);
    for number in 0..KILLS {
        let mut victim = start(session, &[]).await?;
        // Once, so that the time of the first transaction is not that of making the producer.
        let warm = keyed(
            &path,
            &format!("warm{number}"),
            &json!({"records": [{"value": "warm"}]}),
        );
        expect_status(&until_known(&victim.http, &warm).await?, 200)?;
        let body = json!({"records": [{"value": number}, {"value": number}]});
        let request = keyed(&path, &format!("key{number}"), &body);
        let (http, sent) = (victim.http.clone(), request.clone());
        let first = tokio::spawn(async move { http.call(&sent).await });
        tokio::time::sleep(Duration::from_millis(number * 4)).await;
        victim.program.as_mut().context("not ours")?.kill()?;
        let first = first.await?;
        let retry = until_known(&other.http, &request).await?;
        expect_status(&retry, 200)?;
        replayed += usize::from(is_replayed(&retry));
        if let Ok(first) = first {
            answered += 1;
            same(&first, &retry)?;
        }
        let again = until_known(&other.http, &request).await?;
        ensure!(is_replayed(&again) && again.body == retry.body, "{again:?}");
    }
    println!("{KILLS} kills: {answered} answered before, {replayed} written before the retry");
    let mut counts = BTreeMap::new();
    for record in session.kafka.read_committed(&topic)? {
        *counts.entry(record.text()).or_insert(0) += 1;
    }
    let warm = counts.remove("\"warm\"");
    ensure!(
        warm == usize::try_from(KILLS).ok(),
        "{warm:?} of the others"
    );
    let twice = counts.values().all(|count| *count == 2);
    ensure!(twice && counts.len() as u64 == KILLS, "{counts:?}");
    Ok(())
}
