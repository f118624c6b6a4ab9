package sluiceway.tests;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;

import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * What Amazon MSK does with a token, for a broker of the tests: takes it apart, signs the same request with the secret of its key
 * id, compares. Keys are those of the tests' stand-in for STS: the secret of {@code ASIA7} is {@code secret-of-ASIA7}, and its
 * session token says in epoch milliseconds until when they are valid ({@code until-1700000000000}).
 */
public class SignedTokenValidator implements AuthenticateCallbackHandler {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
    }

    @Override
    public void close() {
    }

    @Override
    public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
        for (Callback callback : callbacks) {
            if (!(callback instanceof OAuthBearerValidatorCallback)) {
                throw new UnsupportedCallbackException(callback);
            }
            OAuthBearerValidatorCallback asked = (OAuthBearerValidatorCallback) callback;
            try {
                asked.token(validate(asked.tokenValue()));
            } catch (Exception refused) {
                System.err.println("token refused: " + refused);
                asked.error("invalid_token", null, null);
            }
        }
    }

    private static OAuthBearerToken validate(String token) throws Exception {
        URI url = new URI(new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8));
        TreeMap<String, String> query = new TreeMap<>();
        for (String pair : url.getRawQuery().split("&")) {
            String[] parts = pair.split("=", 2);
            query.put(parts[0], parts[1]);
        }
        query.remove("User-Agent");
        String signature = query.remove("X-Amz-Signature");
        check("https".equals(url.getScheme()) && "/".equals(url.getPath()), "no request to /: " + url.getPath());
        check("kafka-cluster%3AConnect".equals(query.get("Action")), "another action");
        check("AWS4-HMAC-SHA256".equals(query.get("X-Amz-Algorithm")), "another algorithm");
        check("host".equals(query.get("X-Amz-SignedHeaders")), "other headers are signed");
        check("900".equals(query.get("X-Amz-Expires")), "another lifetime");
        String date = query.get("X-Amz-Date");
        Instant made = Instant.from(DATE.parse(date));
        Instant ends = made.plusSeconds(900);
        Instant now = Instant.now();
        check(!now.plusSeconds(60).isBefore(made) && now.isBefore(ends), "expired, or of the future: " + date);
        String[] scope = URLDecoder.decode(query.get("X-Amz-Credential"), "UTF-8").split("/");
        check(scope.length == 5 && "kafka-cluster".equals(scope[3]) && "aws4_request".equals(scope[4]), "another scope");
        check(url.getHost().equals("kafka." + scope[2] + ".amazonaws.com"), "another host than the region's");
        check("us-east-1".equals(scope[2]), "another region: " + scope[2]);
        String session = query.get("X-Amz-Security-Token");
        check(session != null && session.startsWith("until-"), "no session");
        check(now.toEpochMilli() < Long.parseLong(session.substring("until-".length())), "the credentials have expired");

        String canonical = "GET\n/\n"
            + query.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).collect(Collectors.joining("&"))
            + "\nhost:" + url.getHost() + "\n\nhost\n" + hex(sha256(""));
        String stringToSign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope[1] + "/" + scope[2] + "/kafka-cluster/aws4_request\n"
            + hex(sha256(canonical));
        byte[] key = ("AWS4secret-of-" + scope[0]).getBytes(StandardCharsets.UTF_8);
        for (String part : new String[] {scope[1], scope[2], "kafka-cluster", "aws4_request", stringToSign}) {
            key = hmac(key, part);
        }
        check(hex(key).equals(signature), "the signature does not fit");
        return new Accepted(token, made.toEpochMilli(), ends.toEpochMilli());
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    private static byte[] sha256(String text) throws Exception {
        return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] hmac(byte[] key, String text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte one : bytes) {
            text.append(String.format("%02x", one));
        }
        return text.toString();
    }

    private static final class Accepted implements OAuthBearerToken {
        private final String value;
        private final long made;
        private final long ends;

        Accepted(String value, long made, long ends) {
            this.value = value;
            this.made = made;
            this.ends = ends;
        }

        @Override
        public String value() {
            return value;
        }

        @Override
        public Set<String> scope() {
            return Collections.emptySet();
        }

        @Override
        public long lifetimeMs() {
            return ends;
        }

        @Override
        public String principalName() {
            return "msk-iam";
        }

        @Override
        public Long startTimeMs() {
            return made;
        }
    }
}
