const $ = id => document.getElementById(id);
const worker = new Worker('./worker.js', { type: 'module' });
const waiting = new Map();
let calls = 0, chances = [], skills = [];

// a function of Tutor.cs, in the worker
const tutor = (name, ...args) => new Promise((resolve, reject) => {
  waiting.set(++calls, { resolve, reject });
  worker.postMessage({ id: calls, name, args });
});

worker.onmessage = ({ data }) => {
  if (data.ready) {
    $('train').disabled = false;
    $('status').textContent = 'Ready. Training takes some seconds; the page stays alive meanwhile.';
  } else if ('part' in data) {
    $('progress').value = data.part;
    $('line').textContent = data.text;
  } else {
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    if ('error' in data) reject(new Error(data.error)); else resolve(data.result);
  }
};
worker.onerror = e => failed(e);
addEventListener('unhandledrejection', e => failed(e.reason));

function failed(e) {
  $('status').textContent = `It did not work: ${e?.message ?? 'the worker could not be started'}`;
}

$('train').onclick = async () => {
  $('train').disabled = true;
  $('status').textContent = 'Training …';
  const since = performance.now();
  const auc = await tutor('Train', 300, 8, 1);
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  $('status').textContent = `Trained in ${seconds} s. Of answers of simulated learners that it never saw, it ranks a right one above a wrong one in ${(100 * auc).toFixed(0)} of 100 pairs.`;
  skills = await tutor('Skills');
  await begin();
};

async function begin() {
  chances = [];
  $('answer').value = '';
  await tutor('Begin', crypto.getRandomValues(new Int32Array(1))[0] & 0x7fffffff);
  $('verdict').textContent = '';
  $('ask').hidden = false;
  $('known').hidden = true;
  await ask();
}

async function ask() {
  $('question').textContent = await tutor('Ask');
  $('answer').focus();
}

$('form').onsubmit = async e => {
  e.preventDefault();
  const given = Number($('answer').value), question = $('question').textContent, before = chances;
  $('answer').value = ''; // the same question is not answered twice
  const skill = await tutor('Asked'), right = await tutor('Answer', given);
  chances = await tutor('Chances');
  $('verdict').textContent = `${question} = ${right}: ${given === right ? 'right' : `you said ${given}`}. Chance of ${skill} now: ${percent(chances[skills.indexOf(skill)])}.`;
  show(before);
  await ask();
};

const percent = x => `${Math.round(100 * x)} %`;

function show(before) {
  $('known').hidden = false;
  $('skills').replaceChildren(...skills.map((skill, k) => {
    const row = document.createElement('tr'), name = document.createElement('th'), meter = document.createElement('meter');
    name.scope = 'row';
    name.textContent = skill;
    [meter.min, meter.max, meter.value] = [0, 1, chances[k]];
    meter.setAttribute('aria-label', `chance of ${skill}`);
    const change = before.length ? Math.round(100 * chances[k]) - Math.round(100 * before[k]) : 0;
    row.append(name, ...[meter, percent(chances[k]), change > 0 ? `+${change}` : change < 0 ? `−${-change}` : ''].map(content => {
      const cell = document.createElement('td');
      cell.append(content);
      return cell;
    }));
    return row;
  }));
}

$('again').onclick = begin;

$('save').onclick = async () => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([await tutor('Save')]));
  link.download = 'tutor.safetensors';
  link.click();
  URL.revokeObjectURL(link.href);
};
