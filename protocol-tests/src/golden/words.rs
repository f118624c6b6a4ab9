//! Words of a recorded run and what they are in this one: addresses, the cluster's id, generated instance ids, ids of
//! schemas. Some are known beforehand, others are learnt from the answers.

use serde_json::Value;

use crate::http::Request;

/// Recorded words and ours.
#[derive(Debug, Default, Clone)]
pub struct Words {
    texts: Vec<(String, String)>,
    schemas: Vec<(u64, u64)>,
    /// Texts of schemas and the ids that they had in the recording.
    ids_by_text: Vec<(String, u64)>,
}

/// Members that hold the id of a schema.
const SCHEMA_IDS: [&str; 3] = ["value_schema_id", "key_schema_id", "schema_id"];

impl Words {
    /// A word that is known beforehand.
    pub fn know(&mut self, recorded: &str, found: &str) {
        if recorded != found && !recorded.is_empty() {
            self.texts.push((recorded.to_owned(), found.to_owned()));
        }
    }

    /// Learns from an answer what the program made up.
    pub fn learn(&mut self, recorded: &Value, found: &Value) {
        if let (Some(recorded), Some(found)) = (
            recorded["instance_id"].as_str(),
            found["instance_id"].as_str(),
        ) && recorded.starts_with("rest-consumer-")
        {
            self.know(recorded, found);
        }
        for part in ["value", "key"] {
            if recorded[part].is_object() {
                self.learn(&recorded[part], &found[part]);
            }
        }
        for name in SCHEMA_IDS {
            if let (Some(recorded), Some(found)) = (recorded[name].as_u64(), found[name].as_u64())
                && !self.schemas.iter().any(|(known, _)| *known == recorded)
            {
                self.schemas.push((recorded, found));
            }
        }
    }

    /// Notes which id a schema had in the recording: a call whose own answer was left out may be the first to use it.
    pub fn note_schema(&mut self, request: &Request, recorded: &Value) {
        for (text, name) in schemas_of(request) {
            if let Some(id) = recorded[name].as_u64() {
                self.ids_by_text.push((text, id));
            }
        }
    }

    /// Learns the ids of schemas from an answer that was left out of the recording.
    pub fn learn_unrecorded(&mut self, request: &Request, found: &Value) {
        for (text, name) in schemas_of(request) {
            let known = self.ids_by_text.iter().find(|(known, _)| *known == text);
            if let (Some((_, recorded)), Some(found)) = (known, found[name].as_u64()) {
                self.schemas.push((*recorded, found));
            }
        }
    }

    /// The id that the schema of a recorded id has now, if an answer has told.
    #[must_use]
    pub fn schema(&self, recorded: u64) -> Option<u64> {
        let known = self.schemas.iter().find(|(from, _)| *from == recorded);
        known.map(|(_, found)| *found)
    }

    /// A recorded text in this run's words.
    #[must_use]
    pub fn text(&self, recorded: &str) -> String {
        let start = recorded.to_owned();
        let text = self
            .texts
            .iter()
            .fold(start, |text, (from, to)| text.replace(from, to));
        if self.schemas.iter().all(|(from, to)| from == to) {
            return text;
        }
        // The longer names end like this, too.
        self.ids(&text, "schema_id\":")
    }

    /// Replaces the number behind every `before`.
    fn ids(&self, text: &str, before: &str) -> String {
        let mut parts = text.split(before);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let blanks = part.len() - part.trim_start().len();
            let digits = part[blanks..]
                .chars()
                .take_while(char::is_ascii_digit)
                .count();
            let number = part[blanks..blanks + digits].parse::<u64>().ok();
            let known =
                number.and_then(|number| self.schemas.iter().find(|(from, _)| *from == number));
            out += before;
            match known {
                Some((_, to)) => {
                    out += &to.to_string();
                    out += &part[blanks + digits..];
                }
                None => out += part,
            }
        }
        out
    }

    /// A recorded request in this run's words.
    #[must_use]
    pub fn request(&self, recorded: &Request) -> Request {
        let body = recorded
            .body
            .as_ref()
            .map(|body| match std::str::from_utf8(body) {
                Ok(text) => self.text(text).into_bytes(),
                Err(_) => body.clone(),
            });
        Request {
            path: self.text(&recorded.path),
            body,
            ..recorded.clone()
        }
    }

    /// A recorded answer in this run's words.
    #[must_use]
    pub fn answer(&self, recorded: &Value) -> Value {
        let text = self.text(&recorded.to_string());
        serde_json::from_str(&text).unwrap_or_else(|_| recorded.clone())
    }
}

/// Schemas in the body of a request, with the members of the answer that tell their ids.
fn schemas_of(request: &Request) -> Vec<(String, &'static str)> {
    let body = request.body.as_deref().unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let members = [
        ("value_schema", "value_schema_id"),
        ("key_schema", "key_schema_id"),
    ];
    let named = members
        .into_iter()
        .filter_map(|(text, id)| Some((body[text].as_str()?.to_owned(), id)));
    named.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Words;

    #[test]
    fn words_are_known_or_learnt() {
        let mut words = Words::default();
        words.know("http://a", "http://b");
        words.learn(
            &json!({"instance_id": "rest-consumer-x", "value_schema_id": 1}),
            &json!({"instance_id": "rest-consumer-y", "value_schema_id": 7}),
        );
        assert_eq!(
            words.text("http://a/rest-consumer-x"),
            "http://b/rest-consumer-y"
        );
        assert_eq!(
            words.text(r#"{"value_schema_id": 1,"key_schema_id":12}"#),
            r#"{"value_schema_id":7,"key_schema_id":12}"#
        );
    }
}
