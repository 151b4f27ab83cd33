namespace DeepEdu.Gpu;

/// <summary>A place in the order in which an accelerator works.</summary>
internal interface IMark : IDisposable
{
    /// <summary>Puts the mark behind everything launched so far.</summary>
    void Set();

    /// <summary>Whether the accelerator is known to have come past it.</summary>
    bool IsReached { get; }

    /// <summary>Waits until it has.</summary>
    void Wait();
}
