//! References: the schemas that a schema uses, with those that these use.
//!
//! Out: every schema once, each behind those it uses. What fails: too deep, too many, or one that cannot be had.

use std::collections::HashSet;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;

use super::{SchemaBody, version_path};
use crate::error::{RegistryError, SchemaError};
use crate::schema::{Reference, Resolved};
use crate::transport::Transport;

/// How long a chain of references may be.
const MAX_DEPTH: usize = 32;
/// How many schemas one schema may use, directly or not.
const MAX_COUNT: usize = 256;

pub(super) async fn resolve(
    transport: &Transport,
    references: &[Reference],
) -> Result<Vec<Resolved>, RegistryError> {
    let mut walk = Walk {
        transport,
        seen: HashSet::new(),
        resolved: Vec::new(),
    };
    walk.all(references, 0).await?;
    Ok(walk.resolved)
}

struct Walk<'a> {
    transport: &'a Transport,
    seen: HashSet<String>,
    resolved: Vec<Resolved>,
}

impl Walk<'_> {
    fn all<'b>(
        &'b mut self,
        references: &'b [Reference],
        depth: usize,
    ) -> BoxFuture<'b, Result<(), RegistryError>> {
        async move {
            for reference in references {
                self.one(reference, depth).await?;
            }
            Ok(())
        }
        .boxed()
    }

    async fn one(&mut self, reference: &Reference, depth: usize) -> Result<(), RegistryError> {
        if !self.seen.insert(reference.name.clone()) {
            return Ok(());
        }
        limit("a chain of references", depth, MAX_DEPTH)?;
        limit("a number of references", self.seen.len(), MAX_COUNT)?;
        let path = version_path(&reference.subject, &reference.version);
        let answer: Result<SchemaBody, _> = self
            .transport
            .ask(Method::GET, &format!("{path}?deleted=true"), None)
            .await;
        let body = answer.map_err(|error| match error.is_not_found() {
            true => RegistryError::Schema(SchemaError::MissingReference {
                subject: reference.subject.clone(),
                version: reference.version,
            }),
            false => error,
        })?;
        let text = body.into_text()?;
        self.all(&text.references, depth + 1).await?;
        self.resolved.push(Resolved {
            name: reference.name.clone(),
            text: text.text,
        });
        Ok(())
    }
}

fn limit(what: &'static str, value: usize, limit: usize) -> Result<(), RegistryError> {
    if value > limit {
        return Err(SchemaError::TooLarge { what, limit }.into());
    }
    Ok(())
}
