using DeepEdu.Tests;
using DeepEdu.Tests.Ahead;
using Xunit.Abstractions;
using Xunit.Sdk;

// Runs the tests of DeepEdu.Tests whose names contain one of the arguments, or all; the last line is "N passed, N failed, N skipped".
var assembly = typeof(OpCatalog).Assembly;
var tests = new Discovered();
using var source = new NoSource();
var quiet = new NullMessageSink();
using var discoverer = new XunitTestFrameworkDiscoverer(Reflector.Wrap(assembly), source, quiet);
discoverer.Find(includeSourceInformation: false, tests, new Options());
tests.Complete.WaitOne();

ITestCase[] chosen = [.. tests.Cases.Where(c => args.Length == 0 ? !LooksAtTheBuild(c) : args.Any(a => c.DisplayName.Contains(a, StringComparison.Ordinal)))];
var results = new Results();
using var executor = new XunitTestFrameworkExecutor(assembly.GetName(), source, quiet);
executor.RunTests(chosen, results, new Options());
results.Complete.WaitOne();
Console.WriteLine($"{results.Unasked} tests that the frameworks cannot run ahead of time");
Console.WriteLine($"{results.Passed} passed, {results.Failed} failed, {results.Skipped} skipped");
return results.Passed > 0 && results.Failed == 0 ? 0 : 1;

// tests of the sources, the pages, the program's members and of the files beside it; and of the education program, whose libraries are not made for this
static bool LooksAtTheBuild(ITestCase test) =>
    new[] { "House.", "Education.", "OpCoverageTests.", "Nn.LayerCatalogTests.EveryLayerHasARowAndAPage", "Training.WidthTests.", "Io.KillTests.", "Distributed.ProcessTests." }.Any(n => test.DisplayName.StartsWith($"DeepEdu.Tests.{n}", StringComparison.Ordinal));
