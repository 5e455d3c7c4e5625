/** The page's side of the notes. What others have written is only ever put in as text, never as HTML. */

const API = 'api/notes';
const NO_TOKEN = 'The token is missing or wrong.';
const element = (id) => document.getElementById(id);
const [form, token, title, text, list, message, cancel] = ['editor', 'token', 'title', 'text', 'list', 'message', 'cancel'].map(element);

/** The note that is being edited; null for a new one. */
let edited = null;

token.value = sessionStorage.getItem('token') ?? '';
token.addEventListener('input', () => sessionStorage.setItem('token', token.value));

async function call(method, path = '', body = undefined) {
  const headers = {};
  if (method !== 'GET') {
    // Not every character that you can type may be in a header field.
    if (!/^[\x21-\x7e]+$/.test(token.value)) throw new Error(NO_TOKEN);
    headers.Authorization = `Bearer ${token.value}`;
  }
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await fetch(API + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (response.headers.has('www-authenticate')) throw new Error(NO_TOKEN);
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.status === 204 ? null : response.json();
}

async function attempt(act) {
  message.textContent = '';
  try {
    await act();
  } catch (error) {
    message.textContent = error.message;
  }
}

async function show() {
  const notes = await call('GET');
  list.replaceChildren(...notes.map(item));
  element('none').hidden = notes.length > 0;
}

function item(note) {
  const entry = element('note').content.cloneNode(true);
  const part = (selector) => entry.querySelector(selector);
  part('h3').textContent = note.title;
  part('.text').textContent = note.text;
  part('time').dateTime = note.changed;
  part('time').textContent = new Date(note.changed).toLocaleString();
  part('.edit').setAttribute('aria-label', `Edit ${note.title}`);
  part('.delete').setAttribute('aria-label', `Delete ${note.title}`);
  part('.edit').addEventListener('click', () => edit(note));
  part('.delete').addEventListener('click', () => attempt(() => remove(note)));
  return entry;
}

function edit(note) {
  edited = note;
  title.value = note?.title ?? '';
  text.value = note?.text ?? '';
  cancel.hidden = note === null;
  element('editor-title').textContent = note === null ? 'New note' : 'Edit note';
  title.focus();
}

async function remove(note) {
  await call('DELETE', `/${note.id}`);
  if (edited?.id === note.id) edit(null);
  await show();
  message.textContent = `“${note.title}” is deleted.`;
  // The focused element is gone: a keyboard user goes on from the list.
  element('list-title').focus();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(async () => {
    const note = { title: title.value, text: text.value };
    if (edited === null) await call('POST', '', note);
    else await call('PATCH', `/${edited.id}`, note);
    edit(null);
    await show();
    message.textContent = `“${note.title}” is saved.`;
  });
});
cancel.addEventListener('click', () => edit(null));
form.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && edited !== null) edit(null);
});
void attempt(show);
