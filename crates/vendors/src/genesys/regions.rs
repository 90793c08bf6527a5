//! Genesys Cloud's regions, as its SDKs and command line have them.

use paceline_core::vendor::Hosts;

const REGIONS: &[(&str, &str)] = &[
    ("us-east-1", "mypurecloud.com"),
    ("us-east-2", "use2.us-gov-pure.cloud"),
    ("us-west-2", "usw2.pure.cloud"),
    ("ca-central-1", "cac1.pure.cloud"),
    ("mx-central-1", "mxc1.pure.cloud"),
    ("sa-east-1", "sae1.pure.cloud"),
    ("eu-west-1", "mypurecloud.ie"),
    ("eu-west-2", "euw2.pure.cloud"),
    ("eu-central-1", "mypurecloud.de"),
    ("eu-central-2", "euc2.pure.cloud"),
    ("me-central-1", "mec1.pure.cloud"),
    ("ap-south-1", "aps1.pure.cloud"),
    ("ap-northeast-1", "mypurecloud.jp"),
    ("ap-northeast-2", "apne2.pure.cloud"),
    ("ap-northeast-3", "apne3.pure.cloud"),
    ("ap-southeast-1", "apse1.pure.cloud"),
    ("ap-southeast-2", "mypurecloud.com.au"),
    ("eusc-de-east-1", "edee1.eusc-pure.cloud"),
];

/// The hosts of a region, named as AWS does (with `-` or `_`) or by its domain.
pub(super) fn hosts(region: &str) -> Option<Hosts> {
    let wanted = region.trim().to_lowercase().replace('_', "-");
    let (_, domain) = REGIONS.iter().find(|(aws, domain)| *aws == wanted || *domain == wanted)?;
    Some(Hosts {
        base_url: format!("https://api.{domain}"),
        second_url: None,
        auth_url: format!("https://login.{domain}/oauth/token"),
    })
}

/// The regions' AWS names.
pub(super) fn names() -> Vec<&'static str> {
    REGIONS.iter().map(|(aws, _)| *aws).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_known_by_either_name() {
        for name in ["eu-central-1", "EU_CENTRAL_1", "mypurecloud.de"] {
            let hosts = hosts(name).unwrap();
            assert_eq!(hosts.auth_url, "https://login.mypurecloud.de/oauth/token");
            assert_eq!(hosts.base_url, "https://api.mypurecloud.de");
        }
        assert_eq!(hosts("mars-1"), None);
    }
}
