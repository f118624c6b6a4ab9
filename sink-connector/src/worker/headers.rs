//! `response.http.headers.config`: headers that every answer of the REST API carries.
//!
//! In: `set X-Frame-Options: DENY, "add Cache-Control: no-cache, no-store"`. Out: the headers, or what is wrong.

use http::{HeaderMap, HeaderName, HeaderValue};

/// One header and how it is put into an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    name: HeaderName,
    value: HeaderValue,
    replace: bool,
}

impl ResponseHeader {
    /// Reads the comma-separated list; an item that holds a comma itself stands in double quotes.
    ///
    /// # Errors
    /// What is valid, when an item is something else.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        split(text).iter().map(|item| Self::parse(item)).collect()
    }

    fn parse(item: &str) -> Result<Self, String> {
        let wrong = || format!("\"{item}\" is not \"set name: value\" or \"add name: value\"");
        let (action, header) = item.split_once(' ').ok_or_else(wrong)?;
        let replace = match action.to_ascii_lowercase().as_str() {
            "set" => true,
            "add" => false,
            _ => return Err(wrong()),
        };
        let (name, value) = header.split_once(':').ok_or_else(wrong)?;
        Ok(Self {
            name: name.trim().parse().map_err(|_| wrong())?,
            value: value.trim().parse().map_err(|_| wrong())?,
            replace,
        })
    }

    /// Puts the header into `headers`.
    pub fn apply(&self, headers: &mut HeaderMap) {
        if self.replace {
            headers.insert(self.name.clone(), self.value.clone());
        } else {
            headers.append(self.name.clone(), self.value.clone());
        }
    }
}

fn split(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match (c, items.last_mut()) {
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => items.push(String::new()),
            (_, Some(item)) => item.push(c),
            (_, None) => {}
        }
    }
    items
        .into_iter()
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_are_set_and_added() {
        let text = "set X-Frame-Options: DENY, \"add Cache-Control: no-cache, no-store\"";
        let mut headers = HeaderMap::new();
        headers.insert("x-frame-options", "SAMEORIGIN".parse().unwrap());
        headers.insert("cache-control", "private".parse().unwrap());
        ResponseHeader::parse_list(text)
            .unwrap()
            .iter()
            .for_each(|header| header.apply(&mut headers));
        assert_eq!(headers["x-frame-options"], "DENY");
        let cache: Vec<_> = headers.get_all("cache-control").iter().collect();
        assert_eq!(cache, ["private", "no-cache, no-store"]);
        assert!(ResponseHeader::parse_list("").unwrap().is_empty());
    }

    #[test]
    fn anything_else_says_what_is_valid() {
        for bad in ["setDate Expires: 1", "X: y", "set X", "set bad name: y"] {
            assert!(
                ResponseHeader::parse_list(bad)
                    .unwrap_err()
                    .contains("set name: value"),
                "{bad}"
            );
        }
    }
}
