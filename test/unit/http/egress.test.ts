import { describe, expect, it } from 'vitest';
import { checkAddress, checkRule, checkTarget } from '#src/http/egress.ts';
import { EgressError, resolveAllowed } from '#src/http/resolve.ts';

const NONE = { allow: [] };

describe('checkAddress', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '168.63.129.16',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::1',
    '::',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ])('refuses %s over TLS unless named', (address) => {
    expect(checkAddress({ host: 'hooks.example', address, tls: true }, NONE)).toContain('egress.allow');
    expect(checkAddress({ host: 'hooks.example', address, tls: true }, { allow: ['hooks.example'] })).toBeNull();
  });

  it.each(['20.50.1.1', '172.32.0.1', '100.128.0.1', '2a01:4f8::1', '2606:4700::1111'])(
    'lets %s through with TLS and refuses it without',
    (address) => {
      expect(checkAddress({ host: 'hooks.example', address, tls: true }, NONE)).toBeNull();
      expect(checkAddress({ host: 'hooks.example', address, tls: false }, NONE)).toContain('without TLS');
    },
  );

  it('permits exactly the named range, also in its IPv4-mapped form', () => {
    const rules = { allow: ['10.20.0.0/16', 'fd12::/16'] };
    const fault = (address: string) => checkAddress({ host: 'x.example', address, tls: false }, rules);
    expect(fault('10.20.3.4')).toBeNull();
    expect(fault('::ffff:10.20.3.4')).toBeNull();
    expect(fault('fd12::1')).toBeNull();
    expect(fault('10.21.0.1')).not.toBeNull();
    expect(fault('fd13::1')).not.toBeNull();
    expect(fault('169.254.169.254')).not.toBeNull();
  });

  it('knows a named host in any case and with the root dot, but not its sub-domains', () => {
    const rules = { allow: ['Hooks.Internal'] };
    expect(checkAddress({ host: 'hooks.internal.', address: '10.0.0.1', tls: false }, rules)).toBeNull();
    expect(checkAddress({ host: 'a.hooks.internal', address: '10.0.0.1', tls: false }, rules)).not.toBeNull();
  });
});

describe('checkTarget', () => {
  it.each([
    'http://example.org/hook',
    'https://127.0.0.1/hook',
    'https://0x7f.1/hook',
    'https://2130706433/',
    'https://[::1]/hook',
    'https://[::ffff:169.254.169.254]/latest/meta-data',
    'http://169.254.169.254/latest/meta-data',
    'https://localhost/hook',
    'https://user:pw@example.org/hook',
    'smtps://10.0.0.4:465',
    'ftp://example.org',
    'file:///etc/passwd',
    'not a url',
  ])('refuses %s', (url) => {
    expect(checkTarget(url, NONE)).not.toBeNull();
  });

  it('takes public https, and what is named', () => {
    expect(checkTarget('https://hooks.example.org/x?token=1', NONE)).toBeNull();
    expect(checkTarget('smtp://mail.example.org:587', NONE)).toBeNull();
    expect(checkTarget('http://127.0.0.1:8080/x', { allow: ['127.0.0.0/8'] })).toBeNull();
    expect(checkTarget('http://localhost:8080/x', { allow: ['127.0.0.0/8'] })).toBeNull();
    expect(checkTarget('http://hooks.internal/x', { allow: ['hooks.internal'] })).toBeNull();
    expect(checkTarget('http://[fd12::1]/x', { allow: ['fd12::/16'] })).toBeNull();
  });

  it('leaves a plain-http name to the connect hook where a range is allowed', () => {
    expect(checkTarget('http://hooks.internal/x', { allow: ['10.0.0.0/8'] })).toBeNull();
  });
});

describe('checkRule', () => {
  it('knows CIDRs, addresses and host names', () => {
    for (const entry of ['10.0.0.0/8', 'fd00::/8', '127.0.0.1', 'hooks.internal']) expect(checkRule(entry)).toBeNull();
    for (const entry of ['10.0.0.0/33', '10.0.0/8', 'http://x', '', '*.x/8']) expect(checkRule(entry)).not.toBeNull();
  });
});

describe('resolveAllowed', () => {
  it('keeps only what may be called of a name that answers with public and private addresses', async () => {
    const resolve = async () => [
      { address: '169.254.169.254', family: 4 },
      { address: '20.50.1.1', family: 4 },
    ];
    const addresses = await resolveAllowed('rebind.example', { tls: true, egress: NONE, resolve });
    expect(addresses).toEqual([{ address: '20.50.1.1', family: 4 }]);
  });

  it('throws an EgressError that names host, address and rule where nothing is left', async () => {
    const resolve = async () => [{ address: '10.0.0.1', family: 4 }];
    const refused = resolveAllowed('rebind.example', { tls: true, egress: NONE, resolve });
    await expect(refused).rejects.toThrow(EgressError);
    await expect(refused).rejects.toThrow(/rebind\.example resolves to 10\.0\.0\.1.*egress\.allow/);
  });
});
