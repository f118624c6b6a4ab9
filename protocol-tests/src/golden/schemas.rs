//! The schemas of a recorded case, registered where the test runs. The registry there gives ids of its own, so the ids
//! inside recorded bytes are replaced: magic byte 0, then four bytes of id.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::http::{Client, Request};

const JSON: &str = "application/vnd.schemaregistry.v1+json";

/// Recorded id → id here.
#[derive(Debug, Default)]
pub struct Ids(HashMap<u32, u32>);

impl Ids {
    /// Registers `registry` of a recorded case, in its order.
    ///
    /// # Errors
    /// The registry refuses one or does not answer.
    pub async fn register(url: &str, entries: &Value) -> Result<Self> {
        let (client, base) = client(url)?;
        let mut ids = HashMap::new();
        for entry in entries.as_array().into_iter().flatten() {
            let subject = entry["subject"].as_str().context("no subject")?;
            let mut body = json!({"schema": entry["schema"]});
            if let Some(kind) = entry["schemaType"].as_str() {
                body["schemaType"] = kind.into();
            }
            let path = format!("{base}/subjects/{subject}/versions");
            let post = request("POST", &path, &body);
            let mut answer = client.call(&post).await?;
            // A registry may lose a race against itself when several subjects come at once.
            if answer.status == 409 {
                answer = client.call(&post).await?;
            }
            ensure!(
                answer.status == 200,
                "registering {subject}: {} {}",
                answer.status,
                answer.text()?
            );
            let id = answer.json()?["id"].as_u64().context("no id")?;
            let recorded = entry["id"].as_u64().context("no recorded id")?;
            ids.insert(u32::try_from(recorded)?, u32::try_from(id)?);
        }
        Ok(Self(ids))
    }

    /// Replaces a recorded id at the head of a message.
    #[must_use]
    pub fn patched(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if let [0, a, b, c, d, ..] = bytes[..]
            && let Some(id) = self.0.get(&u32::from_be_bytes([a, b, c, d]))
        {
            bytes[1..5].copy_from_slice(&id.to_be_bytes());
        }
        bytes
    }

    /// Replaces recorded ids in a message of an error.
    #[must_use]
    pub fn worded(&self, text: &str) -> String {
        const BEFORE: &str = " for id ";
        let Some((head, tail)) = text.split_once(BEFORE) else {
            return text.to_owned();
        };
        let digits = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, rest) = tail.split_at(digits);
        let id = number.parse().ok().and_then(|id: u32| self.0.get(&id));
        let number = id.map_or_else(|| number.to_owned(), u32::to_string);
        format!("{head}{BEFORE}{number}{}", self.worded(rest))
    }
}

/// Lets every subject take every schema, as the recordings' registry did.
///
/// # Errors
/// The registry refuses or does not answer.
pub async fn accept_everything(url: &str) -> Result<()> {
    let (client, base) = client(url)?;
    let put = request(
        "PUT",
        &format!("{base}/config"),
        &json!({"compatibility": "NONE"}),
    );
    let answer = client.call(&put).await?;
    // A registry that has no rule yet says so.
    ensure!(
        matches!(answer.status, 200 | 404),
        "compatibility NONE: {}",
        answer.status
    );
    Ok(())
}

fn request(method: &str, path: &str, body: &Value) -> Request {
    Request::new(method, path)
        .header("Content-Type", JSON)
        .body(body.to_string())
}

/// A client for the host of a URL, and the URL's path.
///
/// # Errors
/// It is no URL.
pub fn client(url: &str) -> Result<(Client, String)> {
    let rest = url.strip_prefix("http://").context("no http:// URL")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.trim_end_matches('/');
    let base = if path.is_empty() {
        String::new()
    } else {
        format!("/{path}")
    };
    Ok((Client::new(&format!("http://{host}"))?, base))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Ids;

    #[test]
    fn known_ids_are_replaced() {
        let ids = Ids(HashMap::from([(18, 3)]));
        assert_eq!(ids.patched(vec![0, 0, 0, 0, 18, 7]), [0, 0, 0, 0, 3, 7]);
        assert_eq!(ids.patched(vec![0, 0, 0, 0, 19, 7]), [0, 0, 0, 0, 19, 7]);
        assert_eq!(ids.patched(vec![1, 0, 0, 0, 18]), [1, 0, 0, 0, 18]);
        assert_eq!(
            ids.worded("schema for id 18: x for id 9"),
            "schema for id 3: x for id 9"
        );
    }
}
