using DeepEdu.Tensors;

namespace DeepEdu.Tests.Trainee;

/// <summary>A part without content that, the n-th time it is saved, waits to be killed: the parts before it are written then, those after it are not.</summary>
internal sealed class Dawdle(int at) : IStateful
{
    private int _saves;

    public void SaveState(StateDict to)
    {
        if (++_saves != at) { return; }
        Console.WriteLine("writing");
        Thread.Sleep(TimeSpan.FromMinutes(10));
    }

    public void LoadState(StateDict from) { }
}
