//! Sections of recordings, read and replayed against answers that are made up.
#![allow(clippy::unwrap_used)]
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Section, compare};
use crate::golden::Findings;
use crate::golden::answer::Context;
use crate::golden::places::{Places, produce_target};
use crate::http::{Framing, Response};
use crate::parts::Kind;

const SECTIONS: [&str; 8] = [
    "rest/01-root-and-http.json",
    "rest/02-accept.json",
    "rest/03-metadata.json",
    "rest/04-produce-json.json",
    "rest/05-produce-binary.json",
    "rest/06-content-type.json",
    "rest/13-noauto-unknown-topic.json",
    "rest/14-extras.json",
];

fn context() -> Context {
    let mut places = Places::default();
    places.topic("gt-cfa-json", 1);
    places.forget("gt-cfa-json");
    places.forget("gt-cfa-multi");
    places.forget("gt-cfa-bin");
    places.forget("gt-cfd-multi");
    let topics = ["gt-cfa-json", "gt-cfa-multi"].map(str::to_owned);
    Context {
        kind: Kind::Real,
        brokers: vec![1],
        topics: BTreeSet::from(topics),
        places,
        prefix: "gt-cfa".into(),
    }
}

/// The recorded answer as if it had just come in; a list that was cut is filled up.
fn replayed(recorded: &Value) -> Response {
    let headers: Vec<(String, String)> =
        serde_json::from_value(recorded["headers"].clone()).unwrap();
    let has = |wanted: &str| headers.iter().any(|(name, _)| name == wanted);
    let framing = match (has("Transfer-Encoding"), has("Content-Length")) {
        (true, _) => Framing::Chunked(vec![]),
        (_, true) => Framing::Length(0),
        _ => Framing::None,
    };
    let headers = headers
        .into_iter()
        .filter(|(name, _)| name != "Content-Encoding")
        .collect();
    let mut json = recorded.get("json").cloned();
    let list = json.as_mut().and_then(|json| json.get_mut("offsets"));
    if let Some(list) = list.and_then(Value::as_array_mut)
        && list.last().is_some_and(Value::is_string)
    {
        let entry = list[0].clone();
        list.pop();
        list.resize(1000, entry);
    }
    let text = json.map_or_else(
        || recorded["body"].as_str().unwrap_or_default().to_owned(),
        |json| json.to_string(),
    );
    Response {
        status: u16::try_from(recorded["status"].as_u64().unwrap()).unwrap(),
        headers,
        framing,
        body: text.into_bytes(),
        informational: 0,
    }
}

/// Facts that differ when every recorded answer of a section is changed by `change` before it is compared.
fn facts(file: &str, change: impl Fn(&mut Response)) -> Vec<(String, String)> {
    let section = Section::load(file, &[]).unwrap();
    let mut context = context();
    let mut facts = Vec::new();
    for call in &section.calls {
        let Some(recorded) = &call.response else {
            continue;
        };
        if !call.exchanges.is_empty() {
            continue;
        }
        let mut found = replayed(recorded);
        change(&mut found);
        let mut findings = Findings::new(file, &call.id);
        compare(&call.request, recorded, &found, &mut context, &mut findings);
        // A gzip answer can't be made up again from its recording.
        findings.list.retain(|one| one.fact != "content-encoding");
        facts.extend(findings.list.into_iter().map(|one| (one.at, one.fact)));
    }
    facts
}

fn change_json(found: &mut Response, change: impl Fn(&mut Value)) {
    if let Ok(mut json) = found.json() {
        change(&mut json);
        found.body = json.to_string().into_bytes();
    }
}

#[test]
fn a_recording_is_equal_to_itself() {
    for file in SECTIONS {
        assert_eq!(facts(file, |_| {}), [], "{file}");
    }
}

#[test]
fn every_recorded_answer_is_compared() {
    for file in SECTIONS {
        let calls = Section::load(file, &[]).unwrap().calls;
        let recorded: Vec<_> = calls
            .iter()
            .filter(|call| call.response.is_some())
            .map(|call| &call.id)
            .collect();
        let changed = facts(file, |found| found.status += 1);
        let changed: Vec<_> = changed
            .iter()
            .filter(|(_, fact)| fact == "status")
            .map(|(at, _)| at)
            .collect();
        assert_eq!(changed, recorded, "{file}");
        let framed = facts(file, |found| found.framing = Framing::None);
        assert!(framed.len() >= recorded.len() - 1, "{file}: {framed:?}");
    }
}

#[test]
fn a_changed_error_is_found() {
    let file = "rest/03-metadata.json";
    let codes = facts(file, |found| {
        change_json(found, |json| {
            if json.get("error_code").is_some() {
                json["error_code"] = json!(1)
            }
        })
    });
    assert!(
        codes.len() > 5 && codes.iter().all(|(_, fact)| fact == "json:/error_code"),
        "{codes:?}"
    );
    let texts = facts(file, |found| {
        change_json(found, |json| {
            if json.get("message").is_some() {
                json["message"] = json!("no")
            }
        })
    });
    assert_eq!(texts.len(), codes.len());
    let order = facts(file, |found| {
        change_json(found, |json| {
            if let Some(code) = json
                .as_object_mut()
                .and_then(|members| members.shift_remove("error_code"))
            {
                json["error_code"] = code;
            }
        })
    });
    assert_eq!(order.len(), codes.len(), "{order:?}");
}

#[test]
fn a_changed_type_is_found() {
    let changed = facts("rest/02-accept.json", |found| {
        found.headers.retain(|(name, _)| name != "Content-Type");
    });
    assert!(
        changed.len() > 10 && changed.iter().all(|(_, fact)| fact == "content-type"),
        "{changed:?}"
    );
}

#[test]
fn a_changed_result_of_a_record_is_found() {
    for (name, value) in [
        ("partition", json!(null)),
        ("offset", json!(null)),
        ("error_code", json!(1)),
        ("error", json!("no")),
    ] {
        let changed = facts("rest/04-produce-json.json", |found| {
            change_json(found, |json| {
                if json.get("offsets").is_some() {
                    json["offsets"][0][name] = value.clone()
                }
            })
        });
        assert!(changed.len() > 15, "{name}: {changed:?}");
    }
}

#[test]
fn a_parser_may_use_its_own_words_but_no_other_code() {
    let own = facts("rest/04-produce-json.json", |found| {
        change_json(found, |json| {
            if json["error_code"] == 400 {
                json["message"] = json!("expected a comma")
            }
        })
    });
    assert_eq!(own, []);
    let none = facts("rest/04-produce-json.json", |found| {
        change_json(found, |json| {
            if json["error_code"] == 400 {
                json["message"] = json!("")
            }
        })
    });
    assert!(none.len() > 5, "{none:?}");
}

#[test]
fn long_bodies_are_whole_again() {
    let section = Section::load("rest/04-produce-json.json", &[]).unwrap();
    let long: Vec<usize> = section
        .calls
        .iter()
        .filter_map(|call| call.request.body.as_ref())
        .map(Vec::len)
        .collect();
    for length in [1_200_026, 1_200_063, 2_700_052] {
        assert!(long.contains(&length));
    }
    assert!(
        section
            .calls
            .iter()
            .all(|call| produce_target(&call.request.path).is_some() || call.response.is_some())
    );
}
