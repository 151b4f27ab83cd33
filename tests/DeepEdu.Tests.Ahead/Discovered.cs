using Xunit;
using Xunit.Abstractions;

namespace DeepEdu.Tests.Ahead;

/// <summary>Collects the tests that were found.</summary>
internal sealed class Discovered : LongLivedMarshalByRefObject, IMessageSink
{
    public List<ITestCase> Cases { get; } = [];
    public ManualResetEvent Complete { get; } = new(false);

    public bool OnMessage(IMessageSinkMessage message)
    {
        if (message is ITestCaseDiscoveryMessage found) { Cases.Add(found.TestCase); }
        if (message is IDiscoveryCompleteMessage) { Complete.Set(); }
        return true;
    }
}
