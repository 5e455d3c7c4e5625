// Jumps in the film, and counts what the page has cost. The page can be read without it.
const video = document.getElementById('video');
const answer = document.getElementById('answer');

for (const button of document.querySelectorAll('[data-second]')) {
  button.addEventListener('click', () => {
    const second = Number(button.dataset.second);
    answer.textContent = `Asking for second ${second} …`;
    video.currentTime = second + 0.5;
  });
}

video.addEventListener('seeked', () => {
  answer.textContent = `The film is at second ${Math.floor(video.currentTime)}.`;
});
video.addEventListener('error', () => {
  answer.textContent = 'The film cannot be played.';
});

function row(name, sent, size) {
  const tr = document.createElement('tr');
  for (const text of [name, sent, size]) tr.append(Object.assign(document.createElement('td'), { textContent: text }));
  return tr;
}

function bytes(count) {
  return `${count.toLocaleString('en')} B`;
}

function count() {
  const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  const rows = entries
    .filter((entry) => entry.decodedBodySize > 0)
    .map((entry) => {
      const name = new URL(entry.name).pathname.split('/').pop() || 'this page';
      return row(name, entry.transferSize === 0 ? 'from memory' : bytes(entry.transferSize), bytes(entry.decodedBodySize));
    });
  document.getElementById('files').replaceChildren(...rows);
}

addEventListener('load', () => setTimeout(count, 300));
