//! Shopify's signatures in the query: OAuth and app proxy.

use std::collections::BTreeMap;

use http::request::Parts;

use crate::crypto::Algorithm;
use crate::scheme::webhooks::provider::{ProviderRules, ProviderScheme};
use crate::scheme::{
    Claim, ClaimError, Coverage, Encoding, SignError, SignedText, Stamp, compat_axum, target, wire,
};

/// Shopify's OAuth redirects: `hmac=<hex>` in the query, over the other parameters, sorted and
/// joined by `&` ([Shopify]). The tolerance is 300 s; Shopify's own library for Node takes 90 s.
///
/// Names and values are signed as a form writes them (`a b` as `a+b`), as Shopify's libraries do,
/// and lists (`ids[]`) as `ids=["1", "2"]`.
///
/// **Covered:** the parameters of the query, including `timestamp`. **Not covered:** method, path,
/// headers. A body is rejected.
///
/// Only Shopify can sign these requests. A [`Signer`](crate::Signer) returns an error.
///
/// [Shopify]: https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
#[must_use]
pub fn shopify_oauth() -> ShopifyQuery {
    scheme("shopify_oauth", ShopifyRules { tag: "hmac", between: "&" })
}

/// Shopify's app proxy: `signature=<hex>` in the query, over the other parameters, sorted and
/// joined without a separator ([Shopify]). The tolerance is 300 s.
///
/// **Covered:** the parameters of the query, including `timestamp`. **Not covered:** method, path,
/// headers. A body is rejected. The parameters have no delimiter, so the text is the same for
/// `a=1`, `bc=2` and for `a=1b`, `c=2`. Names and values with `=` are rejected.
///
/// Only Shopify can sign these requests. A [`Signer`](crate::Signer) returns an error.
///
/// [Shopify]: https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies
#[must_use]
pub fn shopify_app_proxy() -> ShopifyQuery {
    scheme("shopify_app_proxy", ShopifyRules { tag: "signature", between: "" })
}

/// The scheme of [`shopify_oauth`] and [`shopify_app_proxy`].
pub type ShopifyQuery = ProviderScheme<ShopifyRules>;

/// The rules for signing the parameters of the query, in two ways.
#[derive(Clone, Debug)]
pub struct ShopifyRules {
    /// The name of the parameter with the tag.
    tag: &'static str,
    between: &'static str,
}

fn scheme(name: &'static str, rules: ShopifyRules) -> ShopifyQuery {
    ProviderScheme {
        name,
        headers: &[],
        algorithm: Algorithm::Sha256,
        time: None,
        tolerance: Some(300),
        rules,
    }
}

impl ShopifyRules {
    /// Returns the parameters, each with its values in the order of the query, and the tag.
    fn parameters(&self, head: &Parts) -> Result<Parameters, ClaimError> {
        let mut parameters = Parameters::default();
        let query = head.uri.query().unwrap_or_default();
        for pair in wire::form_pairs(query) {
            let (name, value) = pair?;
            let (name, value) = (name.into_owned(), value.into_owned());
            if name == self.tag {
                if parameters.tag.replace(value).is_some() {
                    return Err(ClaimError::malformed("the signature occurs twice"));
                }
                continue;
            }
            // In OAuth's text, delimiters are escaped, so parts cannot run into each other.
            if !self.is_oauth() && (name.contains('=') || value.contains('=')) {
                return Err(ClaimError::malformed(
                    "a parameter contains a separator of parameters",
                ));
            }
            parameters.others.entry(name).or_default().push(value);
        }
        Ok(parameters)
    }

    fn is_oauth(&self) -> bool {
        !self.between.is_empty()
    }

    fn text(&self, name: &str, values: &[String]) -> Result<String, ClaimError> {
        if !self.is_oauth() {
            return Ok(format!("{name}={}", values.join(",")));
        }
        match (name.strip_suffix("[]"), values) {
            (Some(name), values) => {
                if name.contains(['&', '='])
                    || values.iter().any(|value| value.contains(['"', '\\']))
                {
                    return Err(ClaimError::malformed("a list contains a separator of parameters"));
                }
                let quoted: Vec<String> =
                    values.iter().map(|value| format!("\"{value}\"")).collect();
                Ok(format!("{name}=[{}]", quoted.join(", ")))
            }
            (None, [value]) => Ok(format!("{}={}", form_encoded(name), form_encoded(value))),
            (None, _) => Err(ClaimError::malformed("a parameter occurs twice")),
        }
    }
}

/// Escapes a string as in a form (WHATWG URL, section 5.2).
fn form_encoded(text: &str) -> String {
    wire::percent_encoded(text).replace("%20", "+").replace("%2A", "*").replace('~', "%7E")
}

#[derive(Default)]
struct Parameters {
    tag: Option<String>,
    others: BTreeMap<String, Vec<String>>,
}

impl ProviderRules for ShopifyRules {
    fn claim(scheme: &ShopifyQuery, head: &Parts) -> Result<Claim, ClaimError> {
        let Parameters { tag, others } = scheme.rules.parameters(head)?;
        let tag = tag.ok_or(ClaimError::Missing)?;
        let tag = Encoding::Hex.decode_tag(tag, Algorithm::Sha256);
        let tag =
            tag.ok_or(ClaimError::malformed("the signature is not an HMAC-SHA-256 in hex"))?;
        let created = match others.get("timestamp").map(Vec::as_slice) {
            Some([only]) => wire::unix_seconds(only),
            _ => None,
        };
        let created =
            created.ok_or(ClaimError::malformed("`timestamp` does not occur exactly once"))?;
        Ok(Claim::signed(tag).with_created(created))
    }

    fn coverage(&self, _: &Parts) -> Result<Coverage, ClaimError> {
        Ok(Coverage::Empty)
    }

    fn before_body(&self, head: &Parts, text: &mut SignedText) -> Result<(), ClaimError> {
        let Parameters { others, .. } = self.parameters(head)?;
        let mut lines = others
            .iter()
            .map(|(name, values)| self.text(name, values))
            .collect::<Result<Vec<_>, _>>()?;
        lines.sort_unstable();
        text.part("parameters").update(lines.join(self.between).as_bytes());
        Ok(())
    }

    fn strip(&self, head: &mut Parts) {
        compat_axum::change_target(head, |uri| {
            let is_tag =
                |piece: &str| wire::form_pairs(piece).flatten().any(|(name, _)| name == self.tag);
            let pieces = uri.query().unwrap_or_default().split('&');
            let (tags, kept): (Vec<_>, Vec<_>) = pieces.partition(|piece| is_tag(piece));
            if !tags.is_empty()
                && let Some(stripped) = target::with_query(uri, &kept.join("&"))
            {
                *uri = stripped;
            }
        });
    }

    fn prepare(&self, _: &mut Parts, _: &Stamp<'_>) -> Result<(), SignError> {
        Err(SignError::Request("only Shopify signs such requests"))
    }
}
