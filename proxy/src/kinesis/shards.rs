//! The shards of a stream, listed page by page.

use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::front::Front;
use super::shard;
use super::streams::limit;
use super::token::Kind;
use super::which::Which;
use crate::auth::rights::Operation;

/// Shards that one answer lists, unless it says.
const SHARDS: usize = 1000;

/// `ListShards`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListShards {
    #[serde(flatten)]
    stream: Which,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    max_results: Option<i64>,
    shard_filter: Option<Filter>,
}

/// `ShardFilter`. All shards are open, so that all kinds but one let all pass.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    r#type: String,
    shard_id: Option<String>,
}

/// The shards of a stream.
///
/// # Errors
/// It is not there, or may not be seen; a token that is none.
pub(crate) async fn list_shards(front: &Front<'_>, input: &ListShards) -> Result<Value, Fault> {
    let limit = limit("maxResults", input.max_results, SHARDS)?;
    let (which, from) = match &input.next_token {
        Some(token) => {
            let named = input.stream.is_given();
            if named || input.exclusive_start_shard_id.is_some() {
                return Err(Fault::argument(
                    "NextToken and StreamName cannot be provided together.",
                ));
            }
            let meaning = front.open_text(Kind::Shards, token)?;
            let (shard, name) = meaning.split_once(' ').unwrap_or_default();
            (Which::named(name.to_owned()), shard.parse().unwrap_or(0))
        }
        None => (
            input.stream.clone(),
            first_after(input.exclusive_start_shard_id.as_deref())?,
        ),
    };
    let from = match &input.shard_filter {
        Some(filter) => from.max(filter.first()?),
        None => from,
    };
    let (name, shards) = front.stream(&which, Operation::Describe).await?;
    let (listed, more) = shards_from(from, shards, limit);
    let next = from.saturating_add(i32::try_from(listed.len()).unwrap_or(i32::MAX));
    let mut answer = json!({ "Shards": listed });
    if more {
        answer["NextToken"] = front
            .seal_text(Kind::Shards, &format!("{next} {name}"))
            .into();
    }
    Ok(answer)
}

impl Filter {
    fn first(&self) -> Result<i32, Fault> {
        match self.r#type.as_str() {
            "AFTER_SHARD_ID" => first_after(self.shard_id.as_deref()),
            "AT_TRIM_HORIZON" | "FROM_TRIM_HORIZON" | "AT_LATEST" | "AT_TIMESTAMP"
            | "FROM_TIMESTAMP" => Ok(0),
            _ => Err(Fault::invalid(
                "shardFilter.type",
                "Member must satisfy enum value set: [AFTER_SHARD_ID, AT_TRIM_HORIZON, FROM_TRIM_HORIZON, AT_LATEST, AT_TIMESTAMP, FROM_TIMESTAMP]",
            )),
        }
    }
}

/// The shard behind the one of this name.
pub(super) fn first_after(name: Option<&str>) -> Result<i32, Fault> {
    match name {
        None => Ok(0),
        Some(name) => shard::of_name(name)
            .map(|shard| shard.saturating_add(1))
            .ok_or_else(|| {
                Fault::argument("The shard's name is not of the form shardId-000000000000.")
            }),
    }
}

/// So many shards, and whether there are more.
pub(super) fn shards_from(from: i32, shards: i32, limit: usize) -> (Vec<Value>, bool) {
    let listed: Vec<Value> = (from..shards)
        .take(limit)
        .map(|number| described(number, shards))
        .collect();
    let more =
        i64::from(shards) - i64::from(from.min(shards)) > i64::try_from(listed.len()).unwrap_or(0);
    (listed, more)
}

fn described(number: i32, shards: i32) -> Value {
    let (start, end) = shard::range(number, shards);
    json!({
        "ShardId": shard::name(number),
        "HashKeyRange": {"StartingHashKey": start.to_string(), "EndingHashKey": end.to_string()},
        "SequenceNumberRange": {"StartingSequenceNumber": shard::sequence(number, 0)},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_listed_page_by_page() {
        let (first, more) = shards_from(0, 5, 3);
        assert!(more && first.len() == 3);
        let (rest, more) = shards_from(3, 5, 3);
        assert!(!more && rest.len() == 2);
        assert_eq!(rest[1]["ShardId"], "shardId-000000000004");
        assert_eq!(
            rest[1]["HashKeyRange"]["EndingHashKey"],
            u128::MAX.to_string()
        );
        assert_eq!(shards_from(9, 5, 3), (vec![], false));
    }
}
