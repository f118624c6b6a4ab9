//! What is printed when everything is up: where it listens, where the data lies, and three curl
//! lines that can be pasted as they are.

use std::fmt;

use crate::connector;

/// The addresses of the running parts.
#[derive(Debug, Clone)]
pub(crate) struct Welcome {
    pub(crate) user: String,
    pub(crate) kafka: String,
    pub(crate) s3: String,
    pub(crate) proxy: String,
    pub(crate) connect: String,
    pub(crate) schemas: String,
    pub(crate) admin: String,
    /// Where the objects can be seen: a folder, or the bucket on a real S3.
    pub(crate) objects: String,
    /// Records that lay in Kafka already.
    pub(crate) from_earlier_runs: u64,
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            user,
            proxy,
            connect,
            ..
        } = self;
        let name = connector::name(user);
        writeln!(f, "Kafka        {}", self.kafka)?;
        writeln!(f, "S3           {}", self.s3)?;
        writeln!(f, "REST proxy   {proxy}")?;
        writeln!(f, "S3 sink      {connect}")?;
        writeln!(f, "schemas      {}", self.schemas)?;
        writeln!(f, "metrics      {}/metrics", self.admin)?;
        writeln!(f, "objects      {}", self.objects)?;
        if self.from_earlier_runs > 0 {
            let records = crate::live::grouped(self.from_earlier_runs);
            writeln!(f, "going on with {records} records of earlier runs")?;
        }
        writeln!(f, "\nTry, in another terminal:\n")?;
        writeln!(f, "  curl {proxy}/topics")?;
        writeln!(
            f,
            "  curl -X POST -H 'Content-Type: application/vnd.kafka.json.v2+json' \
             -d '{{\"records\": [{{\"value\": {{\"index\": 1, \"title\": \"hello\"}}}}]}}' \
             {proxy}/topics/{user}.pin"
        )?;
        writeln!(f, "  curl {connect}/connectors/{name}/status")?;
        writeln!(
            f,
            "\nCtrl-C drains and ends. Look at all of this in a browser:\n"
        )?;
        writeln!(f, "  {}/console\n", self.admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_curl_lines_hold_the_real_ports() {
        let url = |port| format!("http://127.0.0.1:{port}");
        let text = Welcome {
            user: "0a1b2c3d4e5f".to_owned(),
            kafka: "127.0.0.1:9".to_owned(),
            s3: url(10),
            proxy: url(11),
            connect: url(12),
            schemas: url(14),
            admin: url(13),
            objects: "data/s3/b/topics/".to_owned(),
            from_earlier_runs: 0,
        }
        .to_string();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("  curl "))
            .collect();
        assert_eq!(lines[0], "  curl http://127.0.0.1:11/topics");
        assert!(lines[1].ends_with(" http://127.0.0.1:11/topics/0a1b2c3d4e5f.pin"));
        let status = "  curl http://127.0.0.1:12/connectors/s3-sink-0a1b2c3d4e5f/status";
        assert_eq!(lines[2], status);
        assert_eq!(lines.len(), 3);
        assert!(text.ends_with("\n\n  http://127.0.0.1:13/console\n\n"));
    }
}
