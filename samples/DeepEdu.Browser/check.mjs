// What the page does, without a page: node check.mjs FOLDER_OF_THE_FRAMEWORK. Trains, answers, and looks at what the tutor thinks. Node 20.19 or later.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { start } from './wwwroot/tutor.js';

const { dotnet } = await import(pathToFileURL(resolve(process.argv[2], 'dotnet.js')).href);
let reports = 0, part = 0;
const tutor = await start(dotnet, p => { reports++; if (p < part) throw new Error('progress went back'); part = p; });

function expect(holds, what) {
  if (!holds) { console.log(`FAILED: ${what}`); process.exit(1); }
}

let told = '';
try { tutor.Save(); } catch (e) { told = e.message; }
expect(told.includes('call Train first'), `an error that says what to do: ${told}`);

const auc = tutor.Train(300, 6, 1);
expect(auc > 0.75 && auc < 1, `the area under the curve is ${auc}`);
expect(reports > 8 && part === 1, `${reports} reports, up to ${part}`);

// a learner who knows everything, and one who knows nothing
const [able, unable] = [right => right, () => -1].map(learner => {
  tutor.Begin(7);
  expect(tutor.Chances().length === 0, 'nothing is known of a new learner');
  for (let i = 0; i < 15; i++) {
    const [a, sign, b] = tutor.Ask().replace('% of', 'percent').split(' ');
    const x = Number(a), y = Number(b), right = { '+': x + y, '−': x - y, '×': x * y, '÷': x / y, percent: x * y / 100 }[sign];
    expect(tutor.Answer(learner(right)) === right, `the tutor's own answer to ${a} ${sign} ${b}`);
  }
  return tutor.Chances();
});
tutor.Skills().forEach((skill, k) => expect(able[k] > unable[k] + 0.1, `${skill}: ${able[k]} after right answers, ${unable[k]} after wrong ones`));
expect(new DataView(tutor.Save().buffer).getUint32(0, true) > 100, 'a safetensors file');
console.log('the page learns, asks and tells: OK');
process.exit(0);
