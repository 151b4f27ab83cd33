// All computation is here, beside the page, which stays alive meanwhile.
import { dotnet } from './_framework/dotnet.js';
import { start } from './tutor.js';

const tutor = await start(dotnet, (part, text) => postMessage({ part, text }));
onmessage = ({ data: { id, name, args } }) => {
  try {
    postMessage({ id, result: tutor[name](...args) });
  } catch (e) {
    postMessage({ id, error: e.message });
  }
};
postMessage({ ready: true });
