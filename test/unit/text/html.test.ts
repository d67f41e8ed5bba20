/** What people read of Microsoft's posts, and that nothing in them can run, load or pretend. */
import { describe, expect, it } from 'vitest';
import { htmlToMarkdown, htmlToText, sanitizeHtml } from '#src/text/html.ts';
import { processorMs } from '#test/support/processor.ts';

/** Built like Microsoft's real posts: spacers, hard spaces, inline styles, nested lists, a link with rel and target. */
const POST =
  '<p><strong>Current status: </strong>Latency for <em>authentication</em> rose.</p>\n<p><br></p>\n' +
  '<p style="color:red"><strong>What you may see:</strong></p><ul><li>Docker reports <code>unexpected status: 503</code></li>' +
  '<li>AKS reports <code>ImagePullBackOff</code><ul><li>for images not cached</li></ul></li></ul>' +
  '<p>Pushes work.&nbsp;Next update by 10:30 UTC &amp; sooner. See <a href="https://status.example/a_(b)?x=1&amp;y=2" rel="noopener" target="_blank">guidance</a>.<br>Thank you.</p>';

const HOSTILE: Readonly<Record<string, string>> = {
  script: '<p>ok</p><script>alert(1)</script>',
  'script in capitals, unclosed': '<p>ok</p><SCRIPT>alert(1)',
  handler: '<p onclick="alert(1)">ok</p><b onmouseover=alert(1)>x</b>',
  'javascript link': '<p>ok <a href="javascript:alert(1)">x</a></p>',
  'javascript link with a tab': '<p>ok <a href="java\tscript:alert(1)">x</a></p>',
  'javascript link in entities': '<p>ok <a href="&#106;avascript:alert(1)">x</a></p>',
  'data link': '<p>ok <a href="data:text/html,<script>alert(1)</script>">x</a></p>',
  'style expression': '<p style="width:expression(alert(1));background:url(javascript:alert(1))">ok</p>',
  'style element': '<style>p{background:url(https://evil.example/t)}</style><p>ok</p>',
  svg: '<p>ok</p><svg onload="alert(1)"><script>alert(1)</script><a xlink:href="javascript:alert(1)">x</a></svg>',
  image: '<p>ok<img src="https://evil.example/track.gif" onerror="alert(1)"></p>',
  frame: '<p>ok</p><iframe srcdoc="<script>alert(1)</script>"></iframe><object data="x"></object><embed src="x">',
  form: '<p>ok</p><form action="https://evil.example"><input name=p><button>go</button></form>',
  'unclosed tags': '<p>ok<b>bold<i>both<a href="https://x.example" onclick="alert(1)"',
  'broken nesting': '<p>ok<<script>script>alert(1)<</script>/script></p>',
  comment: '<p>ok</p><!-- <script>alert(1)</script> --><!--[if mso]><b>x</b><![endif]-->',
  math: '<p>ok</p><math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>',
  template:
    '<p>ok</p><template><img src=x onerror=alert(1)></template><noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
};

describe('sanitizeHtml', () => {
  it('keeps structure and links of a real post, without its styles, spacers and targets', () => {
    const html = sanitizeHtml(POST);
    expect(html).toContain('<strong>Current status: </strong>');
    expect(html).toContain('<li>AKS reports <code>ImagePullBackOff</code><ul><li>for images not cached</li></ul></li>');
    expect(html).toContain(
      '<a href="https://status.example/a_(b)?x=1&amp;y=2" rel="noopener noreferrer nofollow" target="_blank">guidance</a>',
    );
    expect(html).not.toMatch(/style=|<p>(?:<br \/>)?<\/p>/);
  });

  it('escapes plain text and keeps its lines', () => {
    expect(sanitizeHtml('Errors > 5 % & rising\nsee <pod-name> &quot;x&quot;')).toBe(
      'Errors &gt; 5 % &amp; rising<br />\nsee &lt;pod-name&gt; &quot;x&quot;',
    );
  });

  it.each(Object.entries(HOSTILE))('makes harmless: %s', (_name, hostile) => {
    const html = sanitizeHtml(hostile);
    expect(html).toContain('ok');
    const tags = html.match(/<[^>]*>/g) ?? [];
    for (const tag of tags) {
      expect(tag).toMatch(/^<\/?(?:p|b|i|a|br|strong|em|ul|ol|li|code|table|tbody|tr|td|th|h\d)[\s/>]/);
      expect(tag).not.toMatch(/\son\w+\s*=|style\s*=|javascript:|data:|src\s*=|srcdoc/i);
    }
  });

  it('takes no link that could lead back to where it is shown', () => {
    const html = sanitizeHtml(
      '<p><a href="/incidents">a</a><a href="//evil.example">b</a><a href="vbscript:x">c</a><a href="mailto:a@b.example">d</a></p>',
    );
    expect(html.match(/href="[^"]*"/g)).toEqual(['href="mailto:a@b.example"']);
  });
});

it('cuts what is longer than any post, visibly', () => {
  expect(htmlToText(`<p>${'word '.repeat(30_000)}</p>`)).toMatch(/ … \[cut\]$/);
});

describe('htmlToText', () => {
  it('keeps bullets, line ends and link targets of a real post', () => {
    expect(htmlToText(POST)).toBe(
      [
        'Current status: Latency for authentication rose.',
        '',
        'What you may see:',
        '',
        '- Docker reports unexpected status: 503',
        '- AKS reports ImagePullBackOff',
        '  - for images not cached',
        '',
        'Pushes work. Next update by 10:30 UTC & sooner. See guidance (https://status.example/a_(b)?x=1&y=2).',
        'Thank you.',
      ].join('\n'),
    );
  });

  it('gives plain text back as it is, entities decoded', () => {
    expect(htmlToText('  5 < 7 & <pod-name>\r\n\r\n- &quot;a&quot;&nbsp;b ')).toBe('5 < 7 & <pod-name>\n\n- "a" b');
    expect(htmlToText('')).toBe('');
  });

  it('shows a table row by row and says an address once', () => {
    const html =
      '<table><tr><th>Service</th><th>Region</th></tr>\n<tr><td>ACR</td> <td>West<br></td></tr></table><a href="https://x.example/">https://x.example/</a>';
    expect(htmlToText(html)).toBe('Service | Region\nACR | West\n\nhttps://x.example/');
  });

  it.each(Object.entries(HOSTILE))('shows neither code nor markup: %s', (_name, hostile) => {
    const text = htmlToText(hostile);
    expect(text).toMatch(/^ok/);
    expect(text).not.toMatch(/onclick|onerror|onload|<\/?(?:p|b|svg|img|iframe|style)\b|expression|url\(/i);
  });
});

describe('htmlToMarkdown', () => {
  it('uses only what Adaptive Cards show: bold, italic, lists, links', () => {
    expect(htmlToMarkdown(POST)).toBe(
      [
        '**Current status:** Latency for _authentication_ rose.',
        '**What you may see:**',
        '- Docker reports unexpected status: 503\n- AKS reports ImagePullBackOff\n  - for images not cached',
        'Pushes work. Next update by 10:30 UTC & sooner. See [guidance](https://status.example/a_%28b%29?x=1&y=2).',
        'Thank you.',
      ].join('\n\n'),
    );
  });

  it.each([
    [
      'plain',
      '[free](https://evil.example) *loud* `code`',
      String.raw`[free\](https://evil.example) \*loud\* \`code\``,
    ],
    [
      'joined from two elements',
      '<p><code>[free]</code>(https://evil.example)</p>',
      String.raw`[free\](https://evil.example)`,
    ],
    [
      'through a dropped link',
      '<p><a href="javascript:x">[free]</a>(javascript:x)</p>',
      String.raw`[free\](javascript:x)`,
    ],
    [
      'as a link text',
      '<a href="https://x.example">a](https://evil.example)</a>',
      String.raw`[a\](https://evil.example)](https://x.example)`,
    ],
    ['with our own marks', '<p>\uE005a\uE0066a\uE007&#xE001;b&#xE002;</p>', 'a6ab'],
  ])('lets no text become markup: %s', (_name, html, markdown) => {
    expect(htmlToMarkdown(html)).toBe(markdown);
  });

  it('leaves names with underscores and bold beside words readable', () => {
    expect(htmlToMarkdown('<p>pod_name_x is <b>down</b>now</p>')).toBe('pod_name_x is **down** now');
  });
});

it.each([
  ['120,000 open tags', '<b>'.repeat(120_000)],
  ['200,000 brackets', '<'.repeat(200_000)],
  ['60,000 open comments', '<!--'.repeat(60_000)],
  ['60,000 cells', `<table><tr>${'<td>x'.repeat(60_000)}`],
  ['20,000 lists', '<ul><li>'.repeat(20_000)],
  ['10,000 open links', '<a href="https://x.example">'.repeat(10_000)],
])('reads %s in less than four seconds of the processor', (_name, html) => {
  const spentMs = processorMs(() => {
    sanitizeHtml(html);
    htmlToText(html);
    htmlToMarkdown(html);
  });
  expect(spentMs).toBeLessThan(4_000);
});
