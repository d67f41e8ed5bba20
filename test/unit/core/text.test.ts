import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEntities, normaliseText, plainText } from '#src/core/text.ts';

describe('plainText', () => {
  test('turns paragraphs, breaks and lists to lines', () => {
    const html =
      '<p><strong>Now:</strong> we\n look.</p>\n<p><br></p>\n<ul><li>pulls <code>503</code></li><li>pushes</li></ul>End<br/>.';
    expect(plainText(html)).toBe('Now: we look.\n- pulls 503\n- pushes\nEnd\n.');
  });

  test('decodes entities once and drops comments, scripts and styles', () => {
    expect(plainText('a&nbsp;&amp;&nbsp;b &amp;lt; &#8364;&#x1F525; &bogus;')).toBe('a & b &lt; €🔥 &bogus;');
    expect(plainText('x<!-- <p>no</p> --><style>p { color: red }</style><script>alert(1)</script>y')).toBe('xy');
    expect(plainText('x<script>never closed')).toBe('x');
  });

  test('keeps the lines of plain text and a sign that starts no tag', () => {
    expect(plainText('first\r\n\r\n\r\nsecond  line')).toBe('first\n\nsecond line');
    expect(plainText('a < b and 5 > 3')).toBe('a < b and 5 > 3');
    expect(plainText('unfinished <b')).toBe('unfinished <b');
  });

  test('leaves no tag of any HTML that was put together from tags and text', () => {
    const tag = fc.constantFrom(
      '<p>',
      '</p>',
      '<BR/>',
      '<a href="x">',
      '</a>',
      '<li>',
      "<td style='x'>",
      '<!doctype html>',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(tag, fc.constantFrom('word', ' ', '\n', '&amp;'))), (parts) => {
        expect(plainText(parts.join(''))).not.toMatch(/[<>]/);
      }),
    );
  });
});

describe('normaliseText', () => {
  test('is equal for the same words in HTML and in plain text', () => {
    const html = '<p>Pulls &quot;fail&quot;&nbsp;in <b>West</b> Europe.</p>\r\n<p><br></p>';
    expect(normaliseText(html)).toBe('pulls"fail"inwesteurope.');
    expect(normaliseText('pulls "fail" in West\u200B Europe.\n')).toBe(normaliseText(html));
  });

  test('has neither white space nor capitals, and is its own normal form, for text without entities and tags', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const once = normaliseText(text.replaceAll(/[<&]/g, ''));
        expect(once).not.toMatch(/\s/);
        expect(normaliseText(once)).toBe(once);
      }),
    );
  });
});

test('decodeEntities never makes what a column refuses', () => {
  expect(decodeEntities('&#0;&#xD800;&#x110000;&#9999999;')).toBe('\uFFFD\uFFFD\uFFFD\uFFFD');
  expect(decodeEntities('&constructor; &amp')).toBe('&constructor; &amp');
});
