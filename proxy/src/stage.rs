//! Stages in front of paths, as AWS API Gateway has them: `/test/topics` is `/topics` in the stage `test`.
//!
//! In: the names of `sluiceway.stages`, and a request's URI. Out: the URI without its stage, and the stage. Links in
//! answers have it again.

use http::Uri;
use http::uri::PathAndQuery;

/// Takes the stage off.
pub(crate) fn split(stages: &[String], uri: &mut Uri) -> Option<Box<str>> {
    if stages.is_empty() {
        return None;
    }
    let path = uri.path_and_query()?.as_str().strip_prefix('/')?;
    let end = path.find(['/', '?']).unwrap_or(path.len());
    let (stage, rest) = path.split_at(end);
    if !stages.iter().any(|known| known == stage) {
        return None;
    }
    let rest = match rest.as_bytes().first() {
        Some(b'/') => rest.to_owned(),
        _ => format!("/{rest}"),
    };
    let stage = stage.into();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    *uri = Uri::from_parts(parts).ok()?;
    Some(stage)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parted(text: &str) -> (String, Option<String>) {
        let mut uri: Uri = text.parse().unwrap();
        let stage = split(&["test".into(), "prod".into()], &mut uri);
        (uri.to_string(), stage.map(String::from))
    }

    #[test]
    fn only_known_stages_are_taken_off() {
        let test = Some("test".to_owned());
        assert_eq!(
            parted("/test/topics/a?x=1"),
            ("/topics/a?x=1".into(), test.clone())
        );
        assert_eq!(parted("/test"), ("/".into(), test.clone()));
        assert_eq!(parted("/test?x=1"), ("/?x=1".into(), test));
        for other in [
            "/topics/test",
            "/testing/topics",
            "/TEST/topics",
            "//test/topics",
            "/",
        ] {
            assert_eq!(parted(other), (other.to_owned(), None));
        }
    }
}
