/** What Microsoft posts in the story: plain text and HTML, as it comes. The texts are made up. */
export const MONITORING =
  'Automated monitoring has detected a drop in successful image pulls (manifest and blob requests) in West Europe, ' +
  'starting at about 08:12 UTC. Pulls may fail with HTTP 503 or time out. The next update follows within 60 minutes.';
export const REMEDIATION =
  'An automated remediation is restarting unhealthy instances of the regional token service. Pulls of images that ' +
  'nodes hold already are not affected.';
export const ENGINEERS =
  '<p><strong>Current status:</strong> Our engineers are engaged. The restart was not enough; a recent configuration ' +
  'change to the token service is being rolled back. We now see first failures in <em>North Europe</em> too.</p>' +
  '<p><br></p><p><strong>What you may see:</strong></p><ul><li>Docker clients report <code>unexpected status: 503</code>' +
  '</li><li>AKS nodes report <code>ImagePullBackOff</code></li></ul><p>On review the impact began at 08:05 UTC, earlier ' +
  'than posted. See <a href="https://status.example.com/cnt1" target="_blank">guidance</a>.</p>';
/** The one that Azure cannot deliver: only a pull finds it. */
export const ROLLBACK =
  '<p><strong>Current status:</strong> The rollback is complete in West Europe and about halfway in North Europe. Error ' +
  'rates fall. The next update follows within 60 minutes.</p>';
export const MITIGATED =
  '<p><strong>Summary of impact:</strong> Between 08:05 and 10:17 UTC pulls from Container Registry in West Europe and ' +
  'North Europe may have failed.</p><p><strong>Mitigation:</strong> The change was rolled back and error rates are normal ' +
  'again.</p>';
export const REVIEW =
  '<p><strong>Preliminary Post Incident Review</strong></p><p>What went wrong: a connection limit of the token service ' +
  'was lowered by mistake.</p><p>What we change: deployment gates compare limits with live load.</p>';
export const EARLY_NOTICE = 'We are aware of reports about image pulls in West Europe and are looking into them.';
export const UPKEEP =
  '<p>Storage of Container Registry in North Europe is being maintained. Expect two interruptions of under 30 seconds.</p>';
