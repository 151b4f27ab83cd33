using Xunit;
using Xunit.Abstractions;

namespace DeepEdu.Tests.Ahead;

/// <summary>Knows no lines of source.</summary>
internal sealed class NoSource : LongLivedMarshalByRefObject, ISourceInformationProvider
{
    public ISourceInformation GetSourceInformation(ITestCase testCase) => new Nowhere();

    public void Dispose() { }

    private sealed class Nowhere : LongLivedMarshalByRefObject, ISourceInformation
    {
        public string? FileName { get; set; }
        public int? LineNumber { get; set; }

        public void Serialize(IXunitSerializationInfo info) { }

        public void Deserialize(IXunitSerializationInfo info) { }
    }
}
