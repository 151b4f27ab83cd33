using Xunit;
using Xunit.Abstractions;

namespace DeepEdu.Tests.Ahead;

/// <summary>Counts what became of the tests, and prints those that failed.</summary>
internal sealed class Results : LongLivedMarshalByRefObject, IMessageSink
{
    // they ask for code of types that they see while they run, which nobody compiled; the library never does
    private static readonly string[] Frameworks = ["'Xunit.", "'FsCheck.", "'Microsoft.FSharp.", "'System.Text.Json."];

    public int Passed { get; private set; }
    public int Failed { get; private set; }
    public int Skipped { get; private set; }
    public int Unasked { get; private set; }
    public ManualResetEvent Complete { get; } = new(false);

    public bool OnMessage(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestPassed:
                Passed++;
                break;
            case ITestSkipped:
                Skipped++;
                break;
            case ITestFailed failed when failed.Messages.Any(IsTheFrameworks):
                Unasked++;
                break;
            case ITestFailed failed:
                Failed++;
                Console.WriteLine($"FAILED {failed.Test.DisplayName}\n    {string.Join("\n    ", failed.Messages)}\n{string.Join('\n', failed.StackTraces)}");
                break;
            case IErrorMessage error:
                Failed++;
                Console.WriteLine($"FAILED outside of a test\n    {string.Join("\n    ", error.Messages)}\n{string.Join('\n', error.StackTraces)}");
                break;
            case ITestAssemblyFinished:
                Complete.Set();
                break;
        }
        return true;
    }

    private static bool IsTheFrameworks(string error) =>
        (error.Contains("missing native code", StringComparison.Ordinal) && Frameworks.Any(f => error.StartsWith(f, StringComparison.Ordinal)))
        || error.StartsWith("Object of type 'System.Object[]' cannot be converted", StringComparison.Ordinal); // arrays among a theory's constants
}
