/** The page's side of the chat. What others have written is only ever put in as text, never as HTML. */

import { Connection } from './connection.js';

const element = (id) => document.getElementById(id);
const [joinForm, sayForm, nameInput, roomInput, text, messages, names, problem, newer] =
  ['join', 'say', 'name', 'join-room', 'text', 'messages', 'names', 'problem', 'newer'].map(element);

/** Messages that the page keeps; older ones are removed. */
const SHOWN_MAX = 500;

const roomOfPage = () => decodeURIComponent(location.hash.slice(1)).toLowerCase() || 'lobby';
let connection = null;
let me = null;
let lastId = '';

// ── joining and leaving ──

function watch() {
  connection?.stop();
  connection = Connection.reading(roomOfPage(), listener);
}

function join(name) {
  me = name;
  sessionStorage.setItem('name', name);
  connection?.stop();
  connection = Connection.talking(roomOfPage(), name, () => lastId, listener);
  showForms();
}

function leave(why = '') {
  me = null;
  sessionStorage.removeItem('name');
  problem.textContent = why;
  showForms();
  watch();
  nameInput.focus();
}

function enterRoom() {
  element('room').textContent = roomOfPage();
  document.title = `#${roomOfPage()} · Ten Servers chat`;
  roomInput.value = roomOfPage();
  messages.replaceChildren();
  names.replaceChildren();
  element('count').textContent = '';
  lastId = '';
  if (me === null) watch();
  else join(me);
}

// ── what comes ──

const listener = {
  state(state, sentence) {
    // Announced once, not again for every second of the countdown.
    if (document.body.dataset.state !== state) element('announcement').textContent = sentence;
    document.body.dataset.state = state;
    element('state-text').textContent = sentence;
    element('retry').hidden = state !== 'waiting';
    sayForm.querySelector('button').disabled = state !== 'open';
    if (state === 'open') problem.textContent = '';
  },
  event(event) {
    switch (event.type) {
      case 'welcome':
        me = event.name;
        // A different server than before, or too much was missed: what is shown would not fit what follows.
        if (event.history.length > 0 && lastId !== '' && !continues(event.history)) messages.replaceChildren();
        for (const message of event.history) showMessage(message, false);
        showNames(event.names);
        break;
      case 'message':
        showMessage(event, true);
        break;
      case 'joined':
      case 'left':
        showNames(event.names);
        if (event.name !== me) show(eventLine(`${event.name} ${event.type === 'joined' ? 'has come' : 'has gone'}`));
        break;
      case 'problem':
        problem.textContent = event.text;
    }
  },
  refused: leave,
};

/** Whether a history goes on from the message that was seen last. */
function continues([first]) {
  const [epoch, number] = lastId.split('-');
  const [firstEpoch, firstNumber] = first.id.split('-');
  return epoch === firstEpoch && Number(firstNumber) === Number(number) + 1;
}

function showMessage(message, isNew) {
  if (document.getElementById(message.id) !== null) return;
  lastId = message.id;
  const entry = element('message').content.cloneNode(true).firstElementChild;
  const part = (selector) => entry.querySelector(selector);
  entry.id = message.id;
  entry.dataset.name = message.name;
  entry.classList.toggle('mine', message.name === me);
  entry.classList.toggle('new', isNew);
  entry.classList.toggle('again', messages.lastElementChild?.dataset.name === message.name);
  part('b').textContent = message.name;
  part('.face').textContent = [...message.name][0].toUpperCase();
  part('.face').style.backgroundColor = `hsl(${hue(message.name)} 55% 31%)`;
  part('time').dateTime = message.time;
  part('time').textContent = new Date(message.time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  part('.text').textContent = message.text;
  show(entry);
}

function eventLine(sentence) {
  const entry = document.createElement('li');
  entry.className = 'event';
  entry.textContent = sentence;
  return entry;
}

/** Shows the newest, unless somebody is reading further up. */
function show(entry) {
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
  messages.append(entry);
  while (messages.childElementCount > SHOWN_MAX) messages.firstElementChild.remove();
  if (atEnd || entry.classList.contains('mine')) scrollToEnd();
  else newer.hidden = false;
}

function scrollToEnd() {
  messages.scrollTop = messages.scrollHeight;
  newer.hidden = true;
}

function showNames(list) {
  names.replaceChildren(...list.map((name) => {
    const entry = document.createElement('li');
    entry.textContent = name === me ? `${name} (you)` : name;
    return entry;
  }));
  element('count').textContent = `(${list.length})`;
}

/** A colour for a name, the same on every page. */
function hue(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 67 + character.codePointAt(0)) % 360;
  return sum;
}

function showForms() {
  joinForm.hidden = me !== null;
  sayForm.hidden = me === null;
  element('leave').hidden = me === null;
}

// ── what is done ──

joinForm.addEventListener('submit', (event) => {
  event.preventDefault();
  problem.textContent = '';
  const name = nameInput.value.trim();
  if (name === '') return;
  me = name;
  if (roomInput.value !== roomOfPage()) location.hash = roomInput.value;
  else join(name);
  text.focus();
});

function say() {
  const said = text.value.trimEnd();
  if (said.trim() === '') return;
  // Text that cannot be sent stays in the field.
  if (!connection.say(said)) return;
  text.value = '';
  problem.textContent = '';
}

sayForm.addEventListener('submit', (event) => {
  event.preventDefault();
  say();
  text.focus();
});
text.addEventListener('keydown', (event) => {
  // While somebody composes a character, Enter is part of that.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});
newer.addEventListener('click', () => {
  scrollToEnd();
  messages.focus();
});
messages.addEventListener('scroll', () => {
  if (messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80) newer.hidden = true;
}, { passive: true });
element('retry').addEventListener('click', () => connection.retry());
element('leave').addEventListener('click', () => leave());
addEventListener('hashchange', enterRoom);
addEventListener('resize', () => newer.hidden && scrollToEnd());

nameInput.value = sessionStorage.getItem('name') ?? '';
if (nameInput.value !== '') me = nameInput.value;
showForms();
enterRoom();
(me === null ? nameInput : text).focus();
