/** Chapter 06's chat in a browser: two windows and a reader, through a restart and a cut; by keyboard, on a phone, and as text whatever is said. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { close, launch, openPage, screenshot, start } from './browser.mjs';

let server;

before(async () => {
  await launch();
  server = await start('06-websocket');
});

after(close);

const state = (page) => page.locator('#state-text');
const texts = (page) => page.getByRole('log').locator('.text');
const names = (page) => page.getByRole('complementary').getByRole('listitem');

/** A window in a room, with a name. */
async function enter(room, name, options) {
  const opened = await openPage(options);
  const { page } = opened;
  await page.goto(`${server.origin}/#${room}`);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await state(page).getByText(`Connected as ${name}`).waitFor();
  return opened;
}

async function say(page, text) {
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** What the page itself complained of. That a connection was lost, or a stream was let go, is said by the browser. */
const ownFaults = (complaints) => complaints.filter((sentence) => !/net::ERR_\w+/.test(sentence));
/** The same where nothing was lost. */
const faults = (complaints) => complaints.filter((sentence) => !/\/events: net::ERR_ABORTED$/.test(sentence));

for (const [colorScheme, width] of [['light', 900], ['dark', 360]]) {
  test(`what one window says appears in both, and so does who is there (${colorScheme}, ${width} pixels)`, async () => {
    const room = `two-${colorScheme}`;
    const options = { colorScheme, viewport: { width, height: 800 } };
    const ada = await enter(room, 'Ada', options);
    const grace = await enter(room, 'Grace', options);
    await ada.page.getByText('Grace has come').waitFor();
    assert.deepEqual(await names(ada.page).allTextContents(), ['Ada (you)', 'Grace']);
    assert.deepEqual(await names(grace.page).allTextContents(), ['Ada', 'Grace (you)']);
    const html = '<img src=x onerror="document.title = 1"> & <b>bold</b>';
    await say(ada.page, html);
    await texts(grace.page).getByText(html).waitFor();
    await say(grace.page, `two\nlines, and a word that is ${'long'.repeat(40)}`);
    await texts(ada.page).getByText('two').waitFor();
    for (const { page } of [ada, grace]) {
      assert.deepEqual(await texts(page).allTextContents(), [html, `two\nlines, and a word that is ${'long'.repeat(40)}`]);
      assert.equal(await page.getByRole('log').locator('img, .text *').count(), 0, 'what is said is text');
      assert.equal(await page.title(), `#${room} · Ten Servers chat`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing sticks out to the side');
    }
    await screenshot(ada.page, `chat-${colorScheme}`);
    await grace.context.close();
    await ada.page.getByText('Grace has gone').waitFor();
    assert.deepEqual(await names(ada.page).allTextContents(), ['Ada (you)']);
    assert.deepEqual(faults([...ada.complaints, ...grace.complaints]), []);
    await ada.context.close();
  });
}

test('the keyboard is enough', async () => {
  const { context, page, complaints } = await openPage();
  const focused = () => page.evaluate(() => document.activeElement.id);
  await page.goto(`${server.origin}/#keys`);
  assert.equal(await focused(), 'name');
  await page.keyboard.type('Ada');
  await page.keyboard.press('Enter');
  await state(page).getByText('Connected as Ada').waitFor();
  assert.equal(await focused(), 'text');
  await page.keyboard.type('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('and two');
  await page.keyboard.press('Enter');
  await texts(page).getByText('one').waitFor();
  assert.deepEqual(await texts(page).allTextContents(), ['one\nand two']);
  assert.equal(await page.getByRole('textbox', { name: 'Message' }).inputValue(), '');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await focused(), 'messages', 'what was said can be scrolled');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await focused(), 'leave');
  await page.keyboard.press('Enter');
  await state(page).getByText('Reading along').waitFor();
  assert.equal(await focused(), 'name');
  assert.deepEqual(faults(complaints), []);
  await context.close();
});

test('both windows come back when the server was killed and started again', async () => {
  const windows = [await enter('again', 'Ada'), await enter('again', 'Grace')];
  const [ada, grace] = windows;
  await say(ada.page, 'before');
  await texts(grace.page).getByText('before').waitFor();
  for (const { complaints } of windows) assert.deepEqual(faults(complaints), []);
  await server.kill();
  for (const { page } of windows) await state(page).getByText('Not connected').waitFor();
  // What cannot be sent stays where it is.
  assert.ok(await ada.page.getByRole('button', { name: 'Send' }).isDisabled());
  await ada.page.getByRole('textbox', { name: 'Message' }).fill('after');
  await ada.page.getByRole('textbox', { name: 'Message' }).press('Enter');
  assert.equal(await ada.page.getByRole('textbox', { name: 'Message' }).inputValue(), 'after');
  server = await start('06-websocket', '--port', new URL(server.origin).port);
  for (const { page } of windows) {
    await state(page).getByText('Connected as').waitFor();
    await page.getByRole('complementary').getByText('(2)').waitFor();
  }
  await ada.page.getByRole('textbox', { name: 'Message' }).press('Enter');
  for (const { context, page, complaints } of windows) {
    await texts(page).getByText('after').waitFor();
    assert.deepEqual(await texts(page).allTextContents(), ['before', 'after']);
    assert.deepEqual(ownFaults(complaints), []);
    await context.close();
  }
});

/** A way to the server that can be cut: until it is mended, new connections have to wait. */
async function openWay() {
  const pairs = new Set();
  let waiting = null;
  const asked = [];
  const join = (client) => {
    const upstream = connect(new URL(server.origin).port, '127.0.0.1');
    pairs.add([client, upstream]);
    client.on('data', (bytes) => asked.push(bytes.toString('latin1')));
    client.pipe(upstream).pipe(client);
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  };
  const way = createServer((client) => {
    client.on('error', () => undefined);
    if (waiting === null) join(client);
    else waiting.push(client);
  });
  await once(way.listen(0, '127.0.0.1'), 'listening');
  return {
    origin: `http://127.0.0.1:${way.address().port}`,
    /** The requests, as they were sent. */
    asked,
    cut() {
      waiting = [];
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      pairs.clear();
    },
    mend() {
      const clients = waiting;
      waiting = null;
      clients.forEach(join);
    },
    close() {
      this.cut();
      for (const client of waiting) client.destroy();
      way.close();
    },
  };
}

test('a reader continues after the last message that came', async () => {
  const way = await openWay();
  const ada = await enter('reading', 'Ada');
  const { context, page, complaints } = await openPage();
  await page.goto(`${way.origin}/#reading`);
  await state(page).getByText('Reading along').waitFor();
  for (const text of ['one', 'two']) {
    await say(ada.page, text);
    await texts(page).getByText(text).waitFor();
  }
  const lastId = await page.getByRole('log').locator('li[id]').last().getAttribute('id');
  assert.deepEqual(complaints, []);
  way.cut();
  await state(page).getByText('Reconnecting').waitFor();
  for (const text of ['three', 'four']) {
    await say(ada.page, text);
    await texts(ada.page).getByText(text).waitFor();
  }
  way.asked.length = 0;
  way.mend();
  await texts(page).getByText('four').waitFor();
  assert.match(way.asked.join(''), new RegExp(`^last-event-id: ${lastId}\\r$`, 'im'));
  assert.deepEqual(await texts(page).allTextContents(), ['one', 'two', 'three', 'four']);
  assert.deepEqual(ownFaults(complaints), []);
  assert.deepEqual(faults(ada.complaints), []);
  await context.close();
  await ada.context.close();
  way.close();
});
