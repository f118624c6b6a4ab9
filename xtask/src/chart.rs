//! What checks of the chart need: `helm`, the schemas of custom resources, an environment for the Python checks.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{cache, python};

const HELM: &str = "helm.sh/helm/v3/cmd/helm@v3.22.0";
const REQUIREMENTS: &str = include_str!("../../protocol-tests/python/requirements-chart.txt");

/// Go modules that hold definitions of custom resources, and the files wanted of each.
const DEFINITIONS: [(&str, &[&str]); 2] = [
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        &[
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ],
    ),
    (
        "sigs.k8s.io/gateway-api@v1.4.1",
        &["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
    ),
];

/// Builds `helm` if need be; the program.
pub(crate) fn helm() -> Result<PathBuf> {
    let dir = cache::installed("helm", HELM, |dir| {
        let mut go = Command::new("go");
        go.args(["install", HELM]).env("GOBIN", dir);
        let status = go.status().context("cannot run go (it builds helm)")?;
        if !status.success() {
            bail!("go install {HELM} ended with {status}");
        }
        Ok(())
    })?;
    Ok(dir.join("helm"))
}

/// Fetches the definitions of custom resources if need be; the folder of their files.
pub(crate) fn definitions() -> Result<PathBuf> {
    cache::installed_by_spec("chart-definitions", &format!("{DEFINITIONS:?}"), |dir| {
        for (module, files) in DEFINITIONS {
            let source = module_folder(module)?;
            for file in files {
                let from = source.join(file);
                let name = from.file_name().context("no file name")?;
                std::fs::copy(&from, dir.join(name))
                    .with_context(|| format!("cannot copy {}", from.display()))?;
            }
        }
        Ok(())
    })
}

#[derive(Deserialize)]
struct Downloaded {
    #[serde(rename = "Dir")]
    dir: PathBuf,
}

fn module_folder(module: &str) -> Result<PathBuf> {
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", module])
        .current_dir(std::env::temp_dir());
    let output = go.output().context("cannot run go")?;
    let answer = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("go mod download {module}: {answer}");
    }
    Ok(serde_json::from_str::<Downloaded>(&answer)?.dir)
}

/// Makes the environment of the Python checks if need be; its interpreter.
pub(crate) fn interpreter() -> Result<PathBuf> {
    let dir = cache::installed_by_spec("python-chart", REQUIREMENTS, |dir| {
        let file = dir.join("requirements.txt");
        std::fs::write(&file, REQUIREMENTS)?;
        python::run(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(dir.join("venv")),
        )?;
        python::run(
            Command::new(python::python_of(dir))
                .args(["-m", "pip", "install", "--quiet", "--requirement"])
                .arg(file),
        )
    })?;
    Ok(python::python_of(&dir))
}

/// The chart's folder.
pub(crate) fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../helm"))
}
