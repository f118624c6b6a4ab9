"""All checks of the chart that need no cluster."""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import yaml

from . import policy, reach, starts
from .callers import known
from .helm import VERSIONS, Refused
from .manifests import name_of, named, of_kind, pod_of, pods, properties
from .refusals import REFUSALS, TAKEN
from .schemas import Definitions


# What the Secrets of the value sets hold, here.
SECRETS = {"registry-login": {"user-info": "somebody:something"}, "s3-keys": {"id": "an-id", "secret": "a-secret"}, "callers": known()}
CALLERS = ("authentication.", "oauthbearer.", "sluiceway.api.keys.", "sluiceway.authorization.", "ssl.")
INCLUDED = re.compile(r'include_\w+!\(\s*concat!\(\s*env!\("CARGO_MANIFEST_DIR"\),\s*"/\.\./([\w/-]+)')
# As pages write it.
VALUE = re.compile(r"`((?:kafka|proxy|sink|networkPolicy|monitoring|test|serviceAccount)(?:\.\w+)+)`")
LOGIN = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";'


class ChartChecks(unittest.TestCase):
    helm = definitions = programs = None

    def each(self):
        """Every set of values with its manifests."""
        return [(values.name, self.helm.rendered(values)) for values in self.helm.value_sets()]

    def production(self):
        return self.helm.rendered(self.helm.chart / "ci/production-values.yaml")

    def test_lint(self):
        self.assertGreaterEqual(len(self.helm.value_sets()), 6)
        for values in self.helm.value_sets():
            with self.subTest(values=values.name):
                self.assertIn("0 chart(s) failed", self.helm.lint(values))

    def test_schemas(self):
        definitions = Definitions(self.definitions)
        kinds = set()
        for values, manifests in self.each():
            for manifest in manifests:
                kinds.add(manifest["kind"])
                for version in VERSIONS:
                    with self.subTest(version=version, values=values, manifest=name_of(manifest)):
                        definitions.check(manifest, version)
        wanted = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "HTTPRoute", "Ingress", "NetworkPolicy", "Job", "Pod"}
        self.assertLessEqual(wanted | {"HorizontalPodAutoscaler", "PodDisruptionBudget"}, kinds)

    def test_schemas_find_mistakes(self):
        definitions = Definitions(self.definitions)
        manifests = self.production()
        for kind, place in [("ServiceMonitor", ["spec", "endpoints", 0]), ("HTTPRoute", ["spec"]), ("Deployment", ["spec"])]:
            manifest = of_kind(manifests, kind)[0]
            inner = manifest
            for step in place:
                inner = inner[step]
            inner["intervall"] = "15s"
            with self.assertRaises(Exception, msg=kind) as raised:
                definitions.check(manifest, VERSIONS[0])
            self.assertIn("intervall", str(raised.exception))

    def test_policies(self):
        for values, manifests in self.each():
            self.assertEqual([], list(policy.selectors(manifests)), values)
            self.assertEqual([], list(reach.leads(manifests)), values)
            for manifest, _, spec in pods(manifests):
                config = {}
                if manifest["kind"] in ("Deployment", "StatefulSet"):
                    files = named(manifests, "ConfigMap", manifest["metadata"]["name"])["data"]
                    config = properties(next(iter(files.values())))
                with self.subTest(values=values, manifest=name_of(manifest)):
                    self.assertEqual([], list(policy.of_pod(manifests, manifest, spec, config)))

    def test_policies_find_mistakes(self):
        manifests = self.production()
        manifest, _, spec = pods(manifests)[0]
        spec["securityContext"]["runAsNonRoot"] = False
        spec["terminationGracePeriodSeconds"] = 10
        container = spec["containers"][0]
        container["image"] = "registry.example.invalid:5000/sluiceway"
        del container["resources"]["limits"]["memory"], container["livenessProbe"]
        container["env"].append({"name": "KAFKA_REST_SSL_KEY_PASSWORD", "value": "x"})
        config = {"shutdown.graceful.ms": "20000", "task.shutdown.graceful.timeout.ms": "30000"}
        found = "\n".join(policy.of_pod(manifests, manifest, spec, config))
        for text in ("as root", "what runs", "limits.memory", "livenessProbe", "KEY_PASSWORD stands", "s to end"):
            self.assertIn(text, found)

    def test_selectors_find_mistakes(self):
        manifests = self.production()
        deployment = of_kind(manifests, "Deployment")[0]
        _, spec = pod_of(deployment)
        spec["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] = {"app.kubernetes.io/name": "other"}
        self.assertEqual([f"{deployment['metadata']['name']} does not spread its own pods"], list(policy.selectors(manifests)))
        spec["serviceAccountName"] = "default"
        with self.assertRaisesRegex(AssertionError, "ServiceAccount default"):
            list(policy.selectors(manifests))

    def test_what_leads_nowhere_is_found(self):
        secured = self.helm.chart / "ci/secured-values.yaml"
        production = self.helm.chart / "ci/production-values.yaml"
        for values, kind, place, wrong, told in [
            (production, "HTTPRoute", ["rules", 0, "backendRefs", 0, "port"], 81, "not answered at"),
            (production, "HTTPRoute", ["rules", 0, "backendRefs", 0, "name"], "other", "not answered at other"),
            (secured, "Ingress", ["rules", 0, "http", "paths", 0, "backend", "service", "port", "number"], 80, "not answered at"),
            (secured, "Ingress", ["rules", 0, "http", "paths", 0, "backend", "service", "name"], "rest-proxy-peers", "not answered at"),
            (production, "ServiceMonitor", ["endpoints", 0, "port"], "http", "instead of one admin port"),
            (production, "ServiceMonitor", ["selector", "matchLabels", "sluiceway/metrics"], "no", "finds []"),
            (production, "ServiceMonitor", ["endpoints", 0, "path"], "/", "something else than /metrics"),
            (secured, "PodMonitor", ["podMetricsEndpoints", 0, "port"], "metrics", "instead of one admin port"),
            (secured, "PodMonitor", ["selector", "matchLabels", "app.kubernetes.io/component"], "sink", "scraped: "),
            (production, "NetworkPolicy", ["ingress", 0, "ports", 0, "port"], "htpp", "htpp, which no pod has"),
            (production, "NetworkPolicy", ["ingress", -1, "ports", 0, "port"], "http", "nobody through to ['admin']"),
            (production, "NetworkPolicy", ["podSelector", "matchLabels", "app.kubernetes.io/component"], "x", "closes 0 kinds"),
            (production, "NetworkPolicy", ["egress", 1, "to", 0, "podSelector", "matchLabels", "app.kubernetes.io/name"], "x", "which no pod is"),
            (production, "Service", ["ports", 0, "targetPort"], "web", "not answered at"),
            (production, "StatefulSet", ["serviceName"], "sluiceway-sink", "have no names"),
        ]:
            with self.subTest(kind=kind, place=place):
                manifests = self.helm.rendered(values)
                inner = of_kind(manifests, kind)[0]["spec"]
                for step in place[:-1]:
                    inner = inner[step]
                inner[place[-1]] = wrong
                self.assertIn(told, "\n".join(reach.leads(manifests)))

    def test_each_program_has_the_rights_of_its_own_account(self):
        key = "eks\\.amazonaws\\.com/role-arn"
        roles = {component: f"arn:aws:iam::1:role/{component}" for component in ("proxy", "sink")}
        settings = [f"--set={component}.serviceAccount.annotations.{key}={role}" for component, role in roles.items()]
        manifests = self.helm.render(*settings)
        for kind, component in [("Deployment", "proxy"), ("StatefulSet", "sink")]:
            _, spec = pod_of(of_kind(manifests, kind)[0])
            account = named(manifests, "ServiceAccount", spec["serviceAccountName"])
            self.assertEqual(roles[component], account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"])

    def test_wrong_values_are_refused(self):
        for settings, message in REFUSALS:
            with self.subTest(settings=settings):
                with self.assertRaises(Refused) as raised:
                    self.helm.render(*(f"--set={setting}" for setting in settings))
                self.assertIn(message, str(raised.exception))

    def test_references_to_secrets_are_taken(self):
        for settings in TAKEN:
            with self.subTest(settings=settings):
                self.assertTrue(self.helm.render(*(f"--set={setting}" for setting in settings)))

    def test_credentials_are_shown_as_values_say(self):
        """What the job and `helm test` have of each kind of credentials: variables from Secrets, and files that are mounted."""
        guarded = self.helm.chart / "ci/guarded-values.yaml"
        of_secret = {"tokenKey": "TOKEN", "apiKeyKey": "API_KEY"}
        no_tls = ["sink.restCredentials.tls.secretName=", "test.proxyCredentials.tls.secretName="]
        both = ("sink.restCredentials", "test.proxyCredentials")
        for set_key, wanted in [
            ([], {"CA_FILE", "CERT_FILE", "KEY_FILE"}),
            ([f"{place}.tls.certificateKey=" for place in both], {"CA_FILE"}),
            ([f"{place}.tls.privateKeyKey=" for place in both], {"CA_FILE", "CERT_FILE"}),
            ([*no_tls, *(f"{place}.secretName=s" for place in both)], {"CA_FILE", "USER", "PASSWORD"}),
            *(([*no_tls, *(f"{place}.{one}" for place in both for one in ("secretName=s", f"{key}=k"))], {"CA_FILE", variable}) for key, variable in of_secret.items()),
            ([*no_tls, "sink.tls.caKey="], {"": set(), "PROXY": {"CA_FILE"}}),
        ]:
            manifests = self.helm.render("--values", guarded, *(f"--set={one}" for one in set_key))
            for manifest, prefixes in [(of_kind(manifests, "Job")[0], ["CONNECT"]), (of_kind(manifests, "Pod")[0], ["CONNECT", "PROXY"])]:
                spec = pod_of(manifest)[1]
                self.assertEqual([], list(policy.of_pod(manifests, manifest, spec, {})))
                container = spec["containers"][0]
                variables = {one["name"]: one for one in container.get("env", [])}
                for prefix in prefixes:
                    with self.subTest(settings=set_key, pod=name_of(manifest), prefix=prefix):
                        start = f"SLUICEWAY_{prefix}_"
                        own = {name.removeprefix(start) for name in variables if name.startswith(start)}
                        self.assertEqual(wanted if isinstance(wanted, set) else wanted.get(prefix, set()), own)
                        for name in own:
                            one = variables[start + name]
                            if name.endswith("_FILE"):
                                self.assertTrue(any(one["value"].startswith(mount["mountPath"] + "/") for mount in container["volumeMounts"]), one)
                            else:
                                self.assertEqual("s", one["valueFrom"]["secretKeyRef"]["name"])

    def test_names_fit(self):
        values = self.helm.chart / "ci/production-values.yaml"
        for manifest in self.helm.render("--values", values, release="r" * 53):
            with self.subTest(manifest=name_of(manifest)):
                # A StatefulSet's pods have a hash of ten characters behind its name in a label.
                self.assertLessEqual(len(manifest["metadata"]["name"]), 52 if manifest["kind"] == "StatefulSet" else 63)

    def test_notes_tell_what_is_there(self):
        for values in self.helm.value_sets():
            manifests, notes = self.helm.rendered(values), self.helm.notes(values)
            with self.subTest(values=values.name):
                self.assertNotRegex(notes, r"<no value>|%!|\{\{|\n\n\n")
                services = {one["metadata"]["name"]: [port["port"] for port in one["spec"]["ports"]] for one in of_kind(manifests, "Service")}
                told = re.findall(r"service/(\S+) \d+:(\d+)", notes) + re.findall(r"https?://([\w-]+)\.data\.svc:(\d+)", notes)
                for service, port in told:
                    self.assertIn(int(port), services[service])
                jobs = {one["metadata"]["name"] for one in of_kind(manifests, "Job")}
                self.assertEqual(jobs, set(re.findall(r"job/(\S+)", notes)))
                for one in of_kind(manifests, "Ingress"):
                    secure = {host for tls in one["spec"].get("tls", []) for host in tls["hosts"]}
                    for host in (rule["host"] for rule in one["spec"]["rules"]):
                        self.assertIn(f"{'https' if host in secure else 'http'}://{host}/", notes)
                for one in of_kind(manifests, "HTTPRoute"):
                    path = one["spec"]["rules"][0]["matches"][0]["path"]["value"]
                    for host in one["spec"]["hostnames"]:
                        self.assertIn(f"{host}{path}\n", notes)
                files = [one["data"].get("kafka-rest.properties") for one in of_kind(manifests, "ConfigMap")]
                components = {one["metadata"]["labels"]["app.kubernetes.io/component"] for one in of_kind(manifests, "Service")}
                self.assertEqual("proxy" in components, "The REST proxy answers" in notes)
                self.assertEqual("sink" in components, "The Connect REST API answers" in notes)
                secured = any("authentication.method" in properties(text) for text in filter(None, files))
                self.assertEqual("proxy" in components and not secured, "whoever reaches the proxy" in notes)

    def test_programs_take_the_files(self):
        for values, manifests in self.each():
            workers = [one["data"].get("connect-distributed.properties") for one in of_kind(manifests, "ConfigMap")]
            worker = next(filter(None, workers), None)
            for config_map in of_kind(manifests, "ConfigMap"):
                component = config_map["metadata"]["labels"]["app.kubernetes.io/component"]
                for name, text in config_map["data"].items():
                    with self.subTest(values=values, file=name):
                        if component == "proxy":
                            deployment = of_kind(manifests, "Deployment")[0]
                            said = self.program("proxy", text, name, "--check", environment=environment(deployment))
                            self.assertNotIn("unknown", said.lower(), said)
                        elif component in ("connectors", "test") and worker and "s3.bucket.name" in text:
                            self.connector(name, text, worker)

    def test_programs_start_as_the_pods_say(self):
        wrong, started = starts.of_every_set(self.helm, self.programs)
        self.assertEqual([], wrong)
        # Each set but one of one component has both.
        self.assertEqual(2 * len(self.helm.value_sets()) - 2, len(started), started)

    def program(self, program, text, name, *options, environment=None):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, name)
            file.write_text(without_mounts(text))
            command = [self.programs[program], *options, file]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        said = ended.stdout + ended.stderr
        self.assertEqual(0, ended.returncode, said)
        return said

    def connector(self, name, text, worker):
        with tempfile.TemporaryDirectory() as folder:
            for secret, files in SECRETS.items():
                Path(folder, "secrets", secret).mkdir(parents=True)
                for key, value in files.items():
                    Path(folder, "secrets", secret, key).write_text(value)
            file = Path(folder, "worker.properties")
            file.write_text(without_mounts(worker).replace("/etc/sluiceway", folder))
            said = self.program("sink", text.replace("/etc/sluiceway", folder), name, "validate", "--worker", file)
        self.assertNotIn("warning", said)

    def test_monitoring_is_that_of_the_repository(self):
        manifests = self.production()
        repository = self.helm.chart.parent / "monitoring"
        rules = of_kind(manifests, "PrometheusRule")[0]["spec"]
        self.assertEqual(yaml.safe_load((repository / "rules.yaml").read_text()), rules)
        runbook = (repository.parent / "docs/operations.md").read_text()
        for alert in (rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule):
            self.assertIn(f"| `{alert}` |", runbook)
        for component in ("proxy", "sink"):
            shown = named(manifests, "ConfigMap", f"sluiceway-{component}-dashboard")["data"][f"sluiceway-{component}.json"]
            self.assertEqual(json.loads((repository / f"dashboards/{component}.json").read_text()), json.loads(shown))

    def test_pages_name_values_that_there_are(self):
        """Whatever the pages call a value of the chart is one, so that an upgrade by them is not refused."""
        defaults = yaml.safe_load((self.helm.chart / "values.yaml").read_text())
        chart, docs = self.helm.chart, self.helm.chart.parent / "docs"
        pages = [chart / "README.in.md", chart / "UPGRADING.md", docs / "operations.md", docs / "security.md"]
        named = {(page.name, name) for page in pages for name in VALUE.findall(page.read_text())}
        self.assertGreater(len({name for _, name in named}), 30)
        self.assertEqual([], [one for one in sorted(named) if not is_value(defaults, one[1].split("."))])
        self.assertFalse(is_value(defaults, ["proxy", "tls", "secret"]))

    def test_resources_are_as_measured(self):
        """Defaults are those of the table of docs/operations.md, and leave room for what was measured."""
        page = (self.helm.chart.parent / "docs/operations.md").read_text()
        defaults = yaml.safe_load((self.helm.chart / "values.yaml").read_text())

        def row(start):
            line = next(line for line in page.splitlines() if line.startswith(f"| {start}"))
            return dict(zip(("proxy", "sink"), (cell.strip() for cell in line.split("|")[2:4])))

        def mebibytes(text):
            return [int(number) for number in re.findall(r"(\d+) MiB", text)]

        for component in ("proxy", "sink"):
            resources = defaults[component]["resources"]
            requests, limits = row("requests of the chart")[component], row("limits of the chart")[component]
            self.assertEqual(requests, f"{resources['requests']['cpu']}, {resources['requests']['memory'].removesuffix('Mi')} MiB")
            told = f"{resources['limits']['cpu']} cores, {resources['limits']['memory'].removesuffix('Mi')} MiB"
            self.assertTrue(limits.startswith(told), limits)
            requested = mebibytes(requests)[0]
            self.assertLess(mebibytes(row("idle")[component])[0], requested / 2)
        # The proxy under load; the sink with its budget, which is half of the limit, used up.
        self.assertLess(max(mebibytes(row("memory under that load")["proxy"])), mebibytes(row("requests of the chart")["proxy"])[0])
        peak, budget = mebibytes(row("memory is bounded by")["sink"])
        self.assertEqual(mebibytes(row("limits of the chart")["sink"])[0] // 2, budget)
        self.assertLess(peak, mebibytes(row("requests of the chart")["sink"])[0])

    def test_rules_find_the_jobs(self):
        for monitor in of_kind(self.helm.rendered(self.helm.chart / "ci/secured-values.yaml"), "PodMonitor"):
            job = monitor["spec"]["podMetricsEndpoints"][0]["relabelings"][0]["replacement"]
            self.assertRegex(job, "^sluiceway.*")

    def test_docker_context_is_whole(self):
        """What the build of the images needs is not left out: the workspace's crates, and what their sources include."""
        repository = self.helm.chart.parent
        workspace = tomllib.loads((repository / "Cargo.toml").read_text())["workspace"]
        kept = [line[1:] for line in (repository / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        wanted = {"Cargo.toml", "Cargo.lock", ".cargo", "image", *workspace["members"]}
        for member in set(workspace["members"]) - {"protocol-tests", "xtask"}:
            for source in (repository / member / "src").rglob("*.rs"):
                wanted.update(INCLUDED.findall(source.read_text()))
        self.assertIn("console/dist/", wanted)
        missing = [path for path in wanted if not any((path + "/").startswith(place + "/") for place in kept)]
        self.assertEqual([], missing)

    def test_readme_is_current(self):
        script = self.helm.chart / "scripts/readme.py"
        ended = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
        self.assertEqual(0, ended.returncode, ended.stderr)


def is_value(defaults, path):
    """Whether there is such a value, or it may be in a map or list that the user fills."""
    for step in path:
        if defaults in ({}, []):
            return True
        if not isinstance(defaults, dict) or step not in defaults:
            return False
        defaults = defaults[step]
    return True


def without_mounts(text):
    """The properties without the stores of Secrets, which are not here, and without what needs them."""
    lines = [line for line in text.splitlines() if "/etc/sluiceway/tls" not in line and "/kafka-tls/" not in line]
    lines = [line for line in lines if "password.file" not in line and not line.startswith(CALLERS)]
    return "\n".join(lines).replace("https://0.0.0.0", "http://0.0.0.0") + "\n"


def environment(manifest):
    """The variables of a pod; those from Secrets have values that fit."""
    result = {}
    for variable in pod_of(manifest)[1]["containers"][0].get("env", []):
        name = variable["name"]
        fitting = LOGIN if name.endswith("JAAS_CONFIG") else "sixteen-or-more:characters"
        result[name] = variable.get("value", fitting)
    return result
