//! `sasl.jaas.config` lines: `<login module class> required|optional key="value" … ;`.
//!
//! In: the text of the property. Out: the login module's class name and its options. Option values may stand in
//! double or single quotes or without any.

use indexmap::IndexMap;
use thiserror::Error;

use crate::secret::Secret;

/// A parsed JAAS line. Option values are secrets: most lines hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JaasConfig {
    /// The login module's Java class.
    pub login_module: String,
    /// Its options.
    pub options: IndexMap<String, Secret>,
}

/// Why a JAAS line cannot be read; the text never holds an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JaasError {
    /// The text is empty.
    #[error("the JAAS configuration is empty; write <login module class> required key=\"value\";")]
    Empty,
    /// The word after the class is not a control flag.
    #[error(
        "the login module's class must be followed by required, requisite, sufficient or optional"
    )]
    ControlFlag,
    /// An option has no `=`.
    #[error("an option is not of the form key=\"value\"")]
    Option,
    /// A quote is not closed.
    #[error("a quoted option value is not closed")]
    Quote,
}

impl JaasConfig {
    /// Reads one line.
    pub fn parse(text: &str) -> Result<Self, JaasError> {
        let text = text.trim().trim_end_matches(';').trim_end();
        let (login_module, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if login_module.is_empty() {
            return Err(JaasError::Empty);
        }
        let rest = rest.trim_start();
        let (flag, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if !["required", "requisite", "sufficient", "optional"]
            .contains(&flag.to_ascii_lowercase().as_str())
        {
            return Err(JaasError::ControlFlag);
        }
        Ok(Self {
            login_module: login_module.to_owned(),
            options: parse_options(rest)?,
        })
    }

    /// The last part of the login module's class name: `PlainLoginModule`.
    pub fn module_name(&self) -> &str {
        self.login_module
            .rsplit('.')
            .next()
            .unwrap_or(&self.login_module)
    }

    /// An option's value.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(Secret::expose)
    }
}

fn parse_options(text: &str) -> Result<IndexMap<String, Secret>, JaasError> {
    let mut options = IndexMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(JaasError::Option)?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(JaasError::Option);
        }
        let (value, after) = parse_value(after.trim_start())?;
        options.insert(name.to_owned(), Secret::new(value));
        rest = after.trim_start();
    }
    Ok(options)
}

fn parse_value(text: &str) -> Result<(String, &str), JaasError> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let (value, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        return Ok((value.trim_end_matches(';').to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == quote => return Ok((value, &text[at + 1..])),
            c => value.push(c),
        }
    }
    Err(JaasError::Quote)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn plain_scram_and_iam_lines() {
        let plain = JaasConfig::parse(
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password='p \"q\\'s=;';",
        )
        .unwrap();
        assert_eq!(plain.module_name(), "PlainLoginModule");
        assert_eq!(plain.option("username"), Some("u"));
        assert_eq!(plain.option("password"), Some("p \"q's=;"));
        let iam = JaasConfig::parse(
            "software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn=\"arn:x\";",
        )
        .unwrap();
        assert_eq!(
            (iam.module_name(), iam.option("awsRoleArn")),
            ("IAMLoginModule", Some("arn:x"))
        );
        let bare =
            JaasConfig::parse("software.amazon.msk.auth.iam.IAMLoginModule required;").unwrap();
        assert!(bare.options.is_empty());
    }

    #[test]
    fn wrong_lines_say_what_is_wrong_and_not_the_password() {
        assert_eq!(JaasConfig::parse(" "), Err(JaasError::Empty));
        assert_eq!(
            JaasConfig::parse("X password=\"a\""),
            Err(JaasError::ControlFlag)
        );
        assert_eq!(
            JaasConfig::parse("X required password"),
            Err(JaasError::Option)
        );
        assert_eq!(
            JaasConfig::parse("X required password=\"a"),
            Err(JaasError::Quote)
        );
        assert!(!format!("{:?}", JaasConfig::parse("X required password=\"abc\"")).contains("abc"));
    }
}
