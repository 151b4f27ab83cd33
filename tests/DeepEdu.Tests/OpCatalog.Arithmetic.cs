using DeepEdu.Ops;

namespace DeepEdu.Tests;

public static partial class OpCatalog
{
    private static OpRow[] Arithmetic =>
    [
        new("add", x => x[0] + x[1]) { Elementwise = true },
        new("mul", x => x[0] * x[1]) { Elementwise = true },
    ];
}
