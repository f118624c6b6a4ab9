//! A proxy's own description, held against its answers: every answer of a described route has a described status, media
//! type and body.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::http::{Client, Request, Response};

/// A description, with a validator of each schema.
#[derive(Debug)]
pub struct Description {
    document: Value,
    validators: HashMap<String, Validator>,
}

impl Description {
    /// Asks for it; `None`: this proxy has none.
    ///
    /// # Errors
    /// It can't be asked, or one of its schemas is none.
    pub async fn fetch(http: &Client) -> Result<Option<Self>> {
        let answer = http.get("/openapi.json", None).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let document = answer.json()?;
        ensure!(document["openapi"] == "3.1.0", "{}", document["openapi"]);
        let schemas = document["components"]["schemas"].as_object();
        let names = schemas.context("no schemas")?.keys();
        let validator = |name: &String| {
            let schema = json!({
                "$ref": format!("#/components/schemas/{name}"),
                "components": document["components"],
            });
            let validator = jsonschema::draft202012::new(&schema);
            let validator = validator.map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
            Ok((name.clone(), validator))
        };
        Ok(Some(Self {
            validators: names.map(validator).collect::<Result<_>>()?,
            document,
        }))
    }

    /// Methods and paths of all operations.
    #[must_use]
    pub fn operations(&self) -> Vec<(String, String)> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            let methods = methods.filter(|(name, _)| *name != "parameters");
            methods.map(|(method, _)| (method.to_ascii_uppercase(), path.clone()))
        });
        operations.collect()
    }

    /// The path of the description that a request's path is one of; words go before parameters.
    #[must_use]
    pub fn template(&self, path: &str) -> Option<&str> {
        let path = path.split('?').next().unwrap_or_default();
        let path = match path.strip_suffix('/') {
            Some(rest) if !rest.is_empty() => rest,
            _ => path,
        };
        let given: Vec<&str> = path.split('/').collect();
        let fits = |template: &&String| {
            let wanted: Vec<&str> = template.split('/').collect();
            let segment = |(wanted, given): (&&str, &&str)| {
                wanted == given
                    || (wanted.starts_with('{') && !given.is_empty() && wanted.ends_with('}'))
            };
            wanted.len() == given.len() && wanted.iter().zip(&given).all(segment)
        };
        let paths = self.document["paths"].as_object()?.keys();
        let parameters = |template: &&String| template.matches('{').count();
        paths
            .filter(fits)
            .min_by_key(parameters)
            .map(String::as_str)
    }

    /// Why an answer is not as described.
    ///
    /// # Errors
    /// In words.
    pub fn check(&self, request: &Request, answer: &Response) -> Result<(), String> {
        let Some(template) = self.template(&request.path) else {
            return Ok(());
        };
        let method = request.method.to_ascii_lowercase();
        let operation = &self.document["paths"][template][&method];
        if operation.is_null() {
            let expected = matches!(&*method, "head" | "options") || answer.status == 405;
            let told = format!(
                "{method} {template} is not described, and answered with {}",
                answer.status
            );
            return if expected { Ok(()) } else { Err(told) };
        }
        let status = answer.status.to_string();
        let described = match &operation["responses"][&status] {
            Value::Null if answer.status < 300 => {
                return Err(format!("{method} {template}: {status} is not described"));
            }
            Value::Null => &operation["responses"]["default"],
            described => described,
        };
        self.check_body(described, answer)
            .map_err(|error| format!("{method} {template} {status}: {error}"))
    }

    fn check_body(&self, described: &Value, answer: &Response) -> Result<(), String> {
        let text = answer.text().map_err(|error| error.to_string())?;
        let Some(content) = described["content"].as_object() else {
            return if text.is_empty() {
                Ok(())
            } else {
                Err(format!("no body is described: {text}"))
            };
        };
        let named = answer.header("content-type");
        let media = named
            .and_then(|named| named.split(';').next())
            .map(str::trim);
        let schema = match media.map(|media| content.get(media)) {
            Some(Some(described)) => &described["schema"],
            // What is refused before its route is known has no media type, or no body at all.
            _ if text.is_empty() && answer.status >= 400 => return Ok(()),
            None if answer.status >= 400 => &json!({"$ref": "#/components/schemas/Error"}),
            _ if answer.status == 415 || answer.status == 406 => {
                &json!({"$ref": "#/components/schemas/Error"})
            }
            _ => return Err(format!("{named:?} is not described")),
        };
        let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|name| name.rsplit('/').next())
        else {
            return Ok(());
        };
        let validator = self
            .validators
            .get(name)
            .ok_or_else(|| format!("no schema {name}"))?;
        // v3's streams are many objects.
        for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            let value = value.map_err(|error| format!("{error}: {text}"))?;
            if let Some(error) = validator.iter_errors(&value).next() {
                let at = error.instance_path().to_string();
                return Err(format!("no {name} at {at}: {error}: {text}"));
            }
        }
        Ok(())
    }
}
