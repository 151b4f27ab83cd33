namespace DeepEdu.Devices;

/// <summary>An irregular computation. A kernel is its arguments; its body here is the CPU's, and another device registers its own body for the same struct.</summary>
public interface IKernel
{
    /// <summary>The name that errors and profiles show.</summary>
    static abstract string Name { get; }

    /// <summary>What makes up its cost, for the <see cref="Profiler"/>.</summary>
    string Sizes => "";

    /// <summary>The computation on the CPU.</summary>
    void Run();
}
