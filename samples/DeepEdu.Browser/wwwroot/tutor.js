// Starts the program in the runtime; the result has the functions of Tutor.cs. While it trains it calls progress(part, text).
export async function start(dotnet, progress) {
  const { setModuleImports, getAssemblyExports, getConfig } = await dotnet.create();
  setModuleImports('tutor', { progress });
  return (await getAssemblyExports(getConfig().mainAssemblyName)).DeepEdu.Browser.Tutor;
}
