using DeepEdu.Education.Ui;

namespace DeepEdu.Tests.Education;

/// <summary>Interrupts at the first step or line that begins so. Of each training the first step is reported, and the last of every epoch; others as time goes by.</summary>
internal sealed class Stopper(string at) : IProgress, IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    public CancellationToken Token => _stop.Token;

    public void Dispose() => _stop.Dispose();

    public void Step(string phase, int step, int of) => Line(phase);

    public void Line(string text)
    {
        if (text.StartsWith(at, StringComparison.Ordinal)) { _stop.Cancel(); }
    }
}
